/**
 * `pnpm test:matrix [--only NAME…] [--built]`: installs the packages from a registry of this machine as users do, runs
 * a save and a load everywhere, and writes the table, `docs/runtimes.md`. The exit code is 1 when something fails that
 * should work.
 */
import { readFile, writeFile } from "node:fs/promises";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres, startSupabase } from "@rivet/local-servers";
import { supabaseMigration } from "@rivet/memory-supabase";
import { failuresOf, tableText, type Row } from "./cell.ts";
import { documentText } from "./document.ts";
import { COLUMNS } from "./programs.ts";
import { startRegistry } from "./registry.ts";
import { BUNDLER_GROUP } from "./rows/bundlers.ts";
import { JEST } from "./rows/jest.ts";
import { NEXT } from "./rows/next.ts";
import { NODE } from "./rows/node.ts";
import { PNPM_GROUP } from "./rows/pnpm.ts";
import { PROGRAM_GROUP } from "./rows/programs.ts";
import type { Group, Matrix } from "./rows/run.ts";
import { OTHER_RUNTIMES } from "./rows/runtimes.ts";
import { SAMPLES } from "./rows/samples.ts";
import { TYPESCRIPT } from "./rows/typescript.ts";
import { WORKERS } from "./rows/workers.ts";
import { Workplace } from "./workplace.ts";

const GROUPS: readonly Group[] = [
  NODE,
  PROGRAM_GROUP,
  PNPM_GROUP,
  SAMPLES,
  OTHER_RUNTIMES,
  TYPESCRIPT,
  JEST,
  BUNDLER_GROUP,
  NEXT,
  WORKERS,
];
const DOCUMENT = join(import.meta.dirname, "..", "..", "docs", "runtimes.md");

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, built: { type: "boolean", default: false } },
});
for (const name of values.only ?? []) {
  const names = GROUPS.map((group) => group.name);
  if (!names.includes(name)) throw new Error(`there is no section ${name}; there are ${names.join(", ")}`);
}
const chosen = GROUPS.filter(({ name }) => values.only?.includes(name) ?? true);

await using workplace = await Workplace.make();
console.log("Building, packing and publishing the packages");
const verdaccio = await workplace.tool("verdaccio@6", "verdaccio/bin/verdaccio", {
  // It asks for it by the tag `cjs`, which a mirror may lack.
  "node-fetch": "2.7.0",
});
await using registry = await startRegistry(join(workplace.folder, "registry"), verdaccio, values.built);
workplace.use(registry.npmrc);

await using postgres = await startPostgres();
await using supabase = await startSupabase();
await supabase.apply(supabaseMigration());
await supabase.postgrest.restart();
const environment = {
  DATABASE_URL: await postgres.createDatabase(),
  SUPABASE_URL: supabase.url,
  SUPABASE_SECRET_KEY: supabase.keys.secret,
};

const matrix: Matrix = { workplace, environment, node: process.execPath };
const failures: string[] = [];
for (const { name, heading, columns = COLUMNS, rows } of chosen) {
  console.log(`\n${heading}`);
  const made: Row[] = await rows(matrix);
  const table = tableText(columns, made);
  console.log(table);
  failures.push(...failuresOf(made));
  await write(name, `## ${heading}\n\n${table}`);
}

for (const failure of failures) console.log(`fails: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** After each section: an interrupted run leaves what it has made. */
async function write(name: string, section: string): Promise<void> {
  const written = await readFile(DOCUMENT, "utf8").catch(() => "");
  const text = documentText({
    names: GROUPS.map((group) => group.name),
    sections: new Map([[name, section]]),
    written,
    machine: `${platform()} ${arch()}`,
  });
  await writeFile(DOCUMENT, text);
}
