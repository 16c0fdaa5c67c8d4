import {
  MEMORY_STORAGE_FIELDS,
  MemoryError,
  type AtomTypes,
  type MemoryStorageOptions,
  type OptionFields,
} from "@rivet/memory-core";
import { makeClient, type RpcClient } from "./requests/rpc-client.ts";

export interface SupabaseMemoryStorageOptions<Types extends AtomTypes = {}> extends MemoryStorageOptions<Types> {
  /**
   * A client of `@supabase/supabase-js`, of a user who has signed in or of a server. Whoever made it ends it. Default:
   * one of the storage's own, from `url` and `key`.
   */
  client?: RpcClient;
  /** The project's URL. Default: `SUPABASE_URL`. */
  url?: string;
  /**
   * The project's key, of either form. Default: the first that is set of `SUPABASE_KEY`, `SUPABASE_SERVICE_ROLE_KEY`,
   * `SUPABASE_SECRET_KEY`, `SUPABASE_ANON_KEY` and `SUPABASE_PUBLISHABLE_KEY`.
   */
  key?: string;
  /**
   * The schema of the functions, one that the project's API shows; `supabaseMigration` was applied to the same. A
   * client that is given has its own. Default: `public`.
   */
  schema?: string;
  /**
   * The time that one request may take, in addition to the time that its bytes need, in milliseconds. Default: 10,000;
   * deletions may always take 60,000.
   */
  timeoutMs?: number;
  /**
   * The time that a request may take with all its retries, in addition to the time that its bytes need, in
   * milliseconds. Default: 30,000, and at least `timeoutMs`.
   */
  deadlineMs?: number;
  /**
   * The lowest speed of the link to the project, in bytes per second. Timeouts are extended by the time that the bytes
   * in transit need, and while bytes of the answer arrive. Default: 524,288.
   */
  slowestBytesPerSecond?: number;
}

export const SUPABASE_STORAGE_FIELDS: OptionFields<SupabaseMemoryStorageOptions<AtomTypes>> = {
  ...MEMORY_STORAGE_FIELDS,
  client: "setting",
  schema: "setting",
  url: "setting",
  key: "setting",
  timeoutMs: "setting",
  deadlineMs: "setting",
  slowestBytesPerSecond: "setting",
};

export interface Settings {
  readonly client: RpcClient;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly slowestBytesPerSecond: number;
}

const KEY_VARIABLES = [
  "SUPABASE_KEY",
  "SUPABASE_SERVICE_ROLE_KEY",
  "SUPABASE_SECRET_KEY",
  "SUPABASE_ANON_KEY",
  "SUPABASE_PUBLISHABLE_KEY",
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws {MemoryError} `invalid_input` with the path of the offending option. */
export function parseSettings(
  options: SupabaseMemoryStorageOptions<AtomTypes>,
  environment: () => Environment = processEnvironment,
): Settings {
  const { timeoutMs = 10_000, deadlineMs = Math.max(30_000, timeoutMs) } = options;
  const { slowestBytesPerSecond = 512 * 1_024 } = options;
  assertDuration(timeoutMs, "options.timeoutMs");
  assertDuration(deadlineMs, "options.deadlineMs");
  if (!Number.isSafeInteger(slowestBytesPerSecond) || slowestBytesPerSecond < 1)
    throw invalid("options.slowestBytesPerSecond", "must be a whole number of bytes from 1");
  return { client: clientOf(options, environment), timeoutMs, deadlineMs, slowestBytesPerSecond };
}

function clientOf(options: SupabaseMemoryStorageOptions<AtomTypes>, environment: () => Environment): RpcClient {
  const { client } = options;
  if (client === undefined) {
    const { url, key } = addressOf(options, environment);
    return makeClient(url, key, schemaOf(options));
  }
  if (options.schema !== undefined) {
    throw invalid(
      "options.schema",
      "is given together with options.client, which has a schema of its own (`db.schema`)",
    );
  }
  if (options.url !== undefined || options.key !== undefined) {
    throw invalid("options.client", "is given together with options.url or options.key; give one of them");
  }
  if (typeof client !== "object" || client === null || typeof client.rpc !== "function") {
    throw invalid("options.client", "must be a client of @supabase/supabase-js");
  }
  return client;
}

function schemaOf({ schema }: SupabaseMemoryStorageOptions<AtomTypes>): string | undefined {
  if (schema !== undefined && (typeof schema !== "string" || schema === ""))
    throw invalid("options.schema", "must be the name of a schema");
  return schema;
}

function addressOf(
  options: SupabaseMemoryStorageOptions<AtomTypes>,
  environment: () => Environment,
): { url: string; key: string } {
  const { url = named(environment(), "SUPABASE_URL"), key = firstOf(environment(), KEY_VARIABLES) } = options;
  if (url === undefined) {
    throw invalid("options.url", "is missing; give it, or set SUPABASE_URL, such as https://abcdefgh.supabase.co");
  }
  if (key === undefined) throw invalid("options.key", `is missing; give it, or set ${KEY_VARIABLES.join(" or ")}`);
  if (typeof url !== "string" || !/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw invalid("options.url", "must be the URL of a project, such as https://abcdefgh.supabase.co");
  }
  // A header holds no other characters; what a mistake pasted must not come up in an error later.
  if (typeof key !== "string" || !/^[\x21-\x7e]+$/.test(key))
    throw invalid("options.key", "must be the key of a project");
  return { url, key };
}

function firstOf(environment: Environment, names: readonly string[]): string | undefined {
  return names.map((name) => named(environment, name)).find((value) => value !== undefined);
}

/** A variable that is set to nothing is not set. */
function named(environment: Environment, name: string): string | undefined {
  return environment[name] === "" ? undefined : environment[name];
}

/** Node's and Deno's way to the environment; a browser has neither. */
function processEnvironment(): Environment {
  const { process } = globalThis as { process?: { env?: Environment } };
  return process?.env ?? {};
}

function assertDuration(value: unknown, path: string): asserts value is number {
  // Timers take no more.
  if (typeof value === "number" && value > 0 && value <= 0x7fff_ffff) return;
  throw invalid(path, "must be a number of milliseconds above 0");
}

function invalid(path: string, problem: string): MemoryError {
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path, backend: "supabase" });
}
