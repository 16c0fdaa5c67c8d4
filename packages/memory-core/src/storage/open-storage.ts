import { loadStorageClass, type BackendPackage, type OpenStorageOptions } from "./backend-package.ts";
import { invalidInput } from "../errors/errors.ts";
import type { MemoryStorage } from "./storage.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";

interface Backend extends BackendPackage {
  /** The class's constructor arguments for an address and the options. */
  readonly argumentsFor: (url: string, options: object) => unknown[];
}

const afterScheme = (url: string): string => url.slice(url.indexOf(":") + 1);

const POSTGRES: Backend = {
  name: "postgres",
  packageName: "@rivet/memory-postgres",
  className: "PostgresMemoryStorage",
  // Without an address, the client reads it from the environment.
  argumentsFor: (url, options) => [afterScheme(url) === "" ? options : { ...options, connectionString: url }],
};

const BACKENDS: Readonly<Record<string, Backend>> = {
  memory: {
    name: "memory",
    packageName: "@rivet/memory-inmemory",
    className: "InMemoryStorage",
    argumentsFor: (_, options) => [options],
  },
  sqlite: {
    name: "sqlite",
    packageName: "@rivet/memory-sqlite",
    className: "SQLiteStorage",
    argumentsFor: (url, options) => [url, options],
  },
  supabase: {
    name: "supabase",
    packageName: "@rivet/memory-supabase",
    className: "SupabaseMemoryStorage",
    argumentsFor: (url, options) => {
      // A key does not belong in a URL, so URL and key come from the environment.
      if (afterScheme(url) !== "")
        throw invalidInput(
          "url",
          "has text after supabase:; expected supabase: alone, which reads URL and key from the environment",
        );
      return [options];
    },
  },
  postgres: POSTGRES,
  postgresql: POSTGRES,
};

/**
 * Opens the storage at an address: `memory:`, `sqlite:PATH`, `postgres://…`, or `postgres:` and `supabase:` for the
 * settings in the environment. Only the package of that backend is loaded; in a bundle, `options.backends` loads it.
 *
 * @throws {MemoryError} `invalid_input` for an address of no known backend; `schema` with the install command when the
 *   backend's package is not found, `unknown` when it cannot be loaded; and the errors of opening the storage. No
 *   message repeats the address, which may contain a password.
 * @example
 * const storage = await openStorage(process.env.MEMORY_URL ?? "memory:");
 * @example In a bundle
 * const storage = await openStorage("sqlite:agent.db", { backends: { sqlite: () => import("@rivet/memory-sqlite") } });
 */
export async function openStorage<Types extends AtomTypes = {}>(
  url: string,
  options: OpenStorageOptions<Types> = {},
): Promise<MemoryStorage<Types>> {
  const scheme = typeof url === "string" ? /^([a-z]+):/.exec(url)?.[1] : undefined;
  const backend = scheme !== undefined && Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (backend === undefined) {
    throw invalidInput("url", `has ${scheme === undefined ? "no scheme" : schemeName(scheme)}; expected ${known()}`);
  }
  if (typeof options !== "object" || options === null) throw invalidInput("options", "must be an object");
  const { backends, ...storageOptions } = options;
  const Storage = await loadStorageClass<Types>(backend, backends);
  const storage = new Storage(...backend.argumentsFor(url, storageOptions));
  try {
    return await storage.open();
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Schemes of other databases. Any other text before a colon may be part of a password, and is not repeated. */
const FOREIGN_SCHEMES: readonly string[] = [
  "file",
  "http",
  "https",
  "libsql",
  "mariadb",
  "mongodb",
  "mssql",
  "mysql",
  "redis",
];

function schemeName(scheme: string): string {
  return FOREIGN_SCHEMES.includes(scheme) ? `the scheme "${scheme}"` : "the scheme of no known backend";
}

function known(): string {
  return Object.keys(BACKENDS)
    .map((scheme) => `${scheme}:`)
    .join(" or ");
}
