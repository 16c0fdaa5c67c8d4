import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { LocalSupabase } from "@rivet/local-servers";
import { ANSWER, QUESTION, USER } from "./workload.ts";

const ADAPTER = "@voltagent/supabase";
const VERSIONS: Readonly<Record<string, string>> = {
  [ADAPTER]: "2.1.2",
  "@voltagent/core": "2.10.0",
  "@voltagent/logger": "2.0.2",
  ai: "6.0.325",
};

/** What is used of the adapter. */
interface Adapter {
  initialize(): Promise<void>;
  createConversation(conversation: {
    readonly id: string;
    readonly resourceId: string;
    readonly userId: string;
    readonly title: string;
    readonly metadata: object;
  }): Promise<unknown>;
  addMessages(messages: readonly object[], userId: string, conversationId: string): Promise<void>;
}

/**
 * A conversation of VoltAgent's Supabase memory in the same project, saved to as its agents do.
 *
 * The adapter brings some 440 packages along: they are installed when it is measured, into a folder of the system's
 * temporary one, and not with this repository.
 */
export class VoltAgentConversation {
  static readonly packageName = `${ADAPTER} ${VERSIONS[ADAPTER]}`;
  readonly #adapter: Adapter;
  readonly #id = randomUUID();

  private constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /** @param url under which the project is reached. */
  static async create(project: LocalSupabase, url: string): Promise<VoltAgentConversation> {
    const makeAdapter = await loadAdapter();
    // Without its tables it prints the SQL that makes them.
    const sql = await printedSql(() => makeAdapter(url, project.keys.secret));
    await project.apply(sql);
    await project.postgrest.restart();
    const adapter = makeAdapter(url, project.keys.secret);
    await adapter.initialize();
    const conversation = new VoltAgentConversation(adapter);
    const details = { resourceId: "assistant", userId: USER, title: "Drive in line 3", metadata: {} };
    await adapter.createConversation({ id: conversation.#id, ...details });
    return conversation;
  }

  async saveTurn(): Promise<void> {
    const message = (role: string, text: string): object => ({
      id: randomUUID(),
      role,
      parts: [{ type: "text", text }],
    });
    await this.#adapter.addMessages([message("user", QUESTION), message("assistant", ANSWER)], USER, this.#id);
  }
}

async function loadAdapter(): Promise<(url: string, key: string) => Adapter> {
  const folder = await installed();
  const entry = createRequire(join(folder, "index.js")).resolve(ADAPTER);
  // Otherwise its core asks the network for lists of models now and then.
  process.env["NODE_ENV"] = "production";
  const { SupabaseMemoryAdapter } = await import(pathToFileURL(entry).href);
  return (supabaseUrl, supabaseKey) => new SupabaseMemoryAdapter({ supabaseUrl, supabaseKey });
}

async function installed(): Promise<string> {
  const folder = join(tmpdir(), `rivet-bench-voltagent-${VERSIONS[ADAPTER]}`);
  if (existsSync(folder)) return folder;
  console.log(`installing ${VoltAgentConversation.packageName}, once on this machine`);
  const draft = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(draft, "package.json"), JSON.stringify({ private: true, dependencies: VERSIONS }));
    await promisify(execFile)("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: draft });
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

const SQL = /SQL Editor:\n([\s\S]*?)\n=+\nEND OF SQL/;

/** What an adapter that finds no tables prints by itself, once it is made: what stands between the lines around the SQL. */
function printedSql(makeAdapter: () => Adapter): Promise<string> {
  const { log } = console;
  return new Promise((resolve) => {
    console.log = (...args: unknown[]) => {
      const [, sql] = SQL.exec(String(args[0])) ?? [];
      if (sql === undefined) return log(...args);
      console.log = log;
      resolve(sql);
    };
    makeAdapter();
  });
}
