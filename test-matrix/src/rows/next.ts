import { spawn } from "node:child_process";
import { once } from "node:events";
import { cellOf, rowOf } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run, runWell, type Ended } from "../command.ts";
import { BACKENDS_LINE, bundledOpenStorage, COLUMNS, importingModule, OPEN_STORAGE, PACKAGES } from "../programs.ts";
import { freePort } from "../registry.ts";
import type { Group, Matrix } from "./run.ts";

const TOOLS = ["next@16", "react@19", "react-dom@19"];

export const NEXT: Group = {
  name: "next",
  heading: "Next.js 16, `next build` and `next start`",
  rows: async (matrix) => [
    await nextRow(matrix, "Next.js 16, Turbopack (its default)", []),
    await nextRow(matrix, "Next.js 16, `--webpack`", ["--webpack"]),
  ],
};

async function nextRow(matrix: Matrix, title: string, flags: readonly string[]): Promise<Row> {
  const routes = COLUMNS.map((column, index) => {
    const module = column === OPEN_STORAGE ? bundledOpenStorage() : importingModule(column);
    const route = `export const dynamic = "force-dynamic";
export async function GET() {
  return new Response(await remember().catch((error) => "error: " + error.message));
}
`;
    return [`app/${index}/route.js`, module.replace("export async function", "async function") + route];
  });
  const layout = "export default function Layout({ children }) { return <html><body>{children}</body></html>; }";
  const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], {
    ...Object.fromEntries(routes),
    "app/layout.jsx": layout,
  });
  // `create-next-app` writes none, and Next takes the one of `npm init` at its word.
  await runWell("npm", ["pkg", "delete", "type"], project);
  const environment = { ...matrix.environment, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
  const built = await run("npx", ["next", "build", ...flags], project, environment);
  if (built.exitCode !== 0) return rowOf(title, COLUMNS, () => cellOf([{ run: async () => built }]));
  const port = await freePort();
  const server = spawn("npx", ["next", "start", "-p", String(port), "-H", "127.0.0.1"], {
    cwd: project,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.stdout.on("data", (chunk: Buffer) => /ready/i.test(chunk.toString()) && resolve());
      server.once("close", () => reject(new Error("next start ended")));
    });
    const ask = (column: string) => async (): Promise<Ended> => {
      const response = await fetch(`http://127.0.0.1:${port}/${COLUMNS.indexOf(column)}`);
      return { exitCode: response.ok ? 0 : response.status, signal: null, output: await response.text(), errors: "" };
    };
    const line = `\`openStorage(url, ${BACKENDS_LINE})\``;
    return await rowOf(title, COLUMNS, (column) =>
      cellOf([column === OPEN_STORAGE ? { line, run: ask(column) } : { run: ask(column) }]),
    );
  } finally {
    const ended = once(server, "close");
    if (server.pid !== undefined) process.kill(-server.pid, "SIGTERM");
    await ended;
  }
}
