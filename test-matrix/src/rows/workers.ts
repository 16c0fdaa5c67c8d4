/** Cloudflare Workers: wrangler makes the bundle, as a deployment would, and workerd runs it on this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cellOf } from "../attempt.ts";
import type { Cell, Row } from "../cell.ts";
import { run, type Ended } from "../command.ts";
import { BACKENDS_LINE, OPEN_STORAGE, PACKAGES, REMEMBERED } from "../programs.ts";
import { freePort } from "../registry.ts";
import type { Group, Matrix } from "./run.ts";

const TOOLS = ["wrangler@4"];
const COMPATIBILITY_DATE = "2026-03-01";
const REQUESTS_AT_ONCE = 5;

const WORKER = `import { openStorage, Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { env } from "cloudflare:workers";

const ofTheModule = {
  memory: new InMemoryStorage(),
  supabase: new SupabaseMemoryStorage({ url: env.SUPABASE_URL, key: env.SUPABASE_SECRET_KEY }),
};
let firstPostgres;

async function remember(storage) {
  const session = new Session({ userId: "ada", storage });
  session.addUserMessage("hello");
  await session.save();
  const loaded = await storage.loadSession(session.sessionId);
  return "remembered: " + loaded?.history.messages()[0]?.content;
}

const ways = {
  "/memory": () => remember(ofTheModule.memory),
  "/supabase": () => remember(ofTheModule.supabase),
  "/open": async () => remember(await openStorage("memory:", ${BACKENDS_LINE})),
  "/postgres": async () => {
    const storage = new PostgresMemoryStorage({ connectionString: env.DATABASE_URL });
    try {
      return await remember(storage);
    } finally {
      await storage.close();
    }
  },
  "/postgres-of-the-module": () =>
    remember((firstPostgres ??= new PostgresMemoryStorage({ connectionString: env.DATABASE_URL }))),
};

export default {
  async fetch(request) {
    try {
      return new Response(await ways[new URL(request.url).pathname]());
    } catch (error) {
      return new Response("error: " + error.message);
    }
  },
};
`;

export const WORKERS: Group = {
  name: "workers",
  heading: "Cloudflare Workers (`workerd`), with `nodejs_compat`",
  rows: async (matrix) => {
    const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], {
      "worker.mjs": WORKER,
      "wrangler.jsonc": JSON.stringify({
        name: "memory",
        main: "worker.mjs",
        compatibility_date: COMPATIBILITY_DATE,
        compatibility_flags: ["nodejs_compat"],
      }),
    });
    const built = await run("npx", ["wrangler", "deploy", "--dry-run", "--outdir", "built"], project, {
      WRANGLER_SEND_METRICS: "false",
      CI: "true",
    });
    if (built.exitCode !== 0) throw new Error(`wrangler made no bundle: ${built.errors}${built.output}`);
    await using server = await serve(project, matrix);
    return [await firstRequests(server.port), await manyRequests(server.port)];
  },
};

async function firstRequests(port: number): Promise<Row> {
  const cannot: Cell = { kind: "cannot", reason: "SQLite needs a native module and a file, and Workers have neither" };
  return {
    title: "a request",
    cells: new Map<string, Cell>([
      ["in memory", await cellOf([{ run: () => ask(port, "/memory") }])],
      ["SQLite", cannot],
      [
        "PostgreSQL",
        await cellOf([{ line: "a storage for each request, closed at its end", run: () => ask(port, "/postgres") }]),
      ],
      ["Supabase", await cellOf([{ run: () => ask(port, "/supabase") }])],
      [OPEN_STORAGE, await cellOf([{ line: `\`openStorage(url, ${BACKENDS_LINE})\``, run: () => ask(port, "/open") }])],
    ]),
  };
}

/** A storage of the module, which several requests use at once. */
async function manyRequests(port: number): Promise<Row> {
  const all = async (path: string): Promise<Ended> => {
    const answers = await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, () => ask(port, path)));
    return (
      answers.find(({ output }) => output !== REMEMBERED) ?? {
        exitCode: 0,
        signal: null,
        output: REMEMBERED,
        errors: "",
      }
    );
  };
  const first = await ask(port, "/postgres-of-the-module");
  const second = await ask(port, "/postgres-of-the-module");
  const sentence = /on Cloudflare Workers .*/.exec(second.output)?.[0];
  const postgres: Cell =
    first.output === REMEMBERED && sentence !== undefined
      ? { kind: "refused", sentence }
      : { kind: "fails", problem: `${first.output}; ${second.output}` };
  return {
    title: `${REQUESTS_AT_ONCE} requests at once, with a storage of the module`,
    cells: new Map<string, Cell>([
      ["in memory", await cellOf([{ run: () => all("/memory") }])],
      ["SQLite", { kind: "cannot", reason: "it has no native module and no file, as above" }],
      ["PostgreSQL", postgres],
      ["Supabase", await cellOf([{ run: () => all("/supabase") }])],
    ]),
  };
}

async function ask(port: number, path: string): Promise<Ended> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { exitCode: response.ok ? 0 : response.status, signal: null, output: await response.text(), errors: "" };
}

async function serve(project: string, { environment }: Matrix): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const bindings = Object.entries(environment).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  );
  await writeFile(
    join(project, "built", "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .memory), (name = "internet", network = (allow = ["private"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ]
);
const memory :Workerd.Worker = (
  modules = [ (name = "worker.js", esModule = embed "worker.js") ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [ ${bindings.join(", ")} ]
);
`,
  );
  const server = spawn(
    join(project, "node_modules", ".bin", "workerd"),
    ["serve", "built/config.capnp", "--control-fd=3"],
    {
      cwd: project,
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    },
  );
  const control = server.stdio[3];
  if (control === null || control === undefined) throw new Error("workerd has no control channel");
  const ended = once(server, "close");
  // It writes a line there once it listens.
  await Promise.race([once(control, "data"), ended.then(() => Promise.reject(new Error("workerd ended")))]);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await ended;
    },
  };
}
