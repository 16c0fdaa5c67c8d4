/** Measures the packages that are installed with each backend, and with each neighbour. */
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PEERS_FOLDER } from "../comparison/contenders.ts";
import type { Measure } from "../measure.ts";
import { ROOT, runPnpm } from "../pnpm.ts";
import { inTemporaryFolder } from "../workload.ts";
import { footprintOf, type Footprint } from "./footprint.ts";

export interface Install extends Footprint {
  readonly label: string;
  /** The packages that one asks for. */
  readonly names: readonly string[];
}

interface Wanted {
  readonly label: string;
  readonly names: readonly string[];
}

const MB = 1_000_000;
const MOST_MB = 1;
const MOST_PACKAGES = 3;

/** The packed packages, including dependencies such as `@rivet/db-manager`. */
const PACKED = [
  "db-manager",
  "memory-core",
  "memory-inmemory",
  "memory-postgres",
  "memory-sqlite",
  "memory-supabase",
  "postgres-schema",
];

const OURS: readonly Wanted[] = ["inmemory", "sqlite", "postgres", "supabase"].map((backend) => ({
  label: "Rivet Memory",
  names: ["@rivet/memory-core", `@rivet/memory-${backend}`],
}));

const PEERS: readonly Wanted[] = [
  { label: "OpenAI Agents", names: ["@openai/agents-core"] },
  { label: "LangGraph", names: ["@langchain/langgraph-checkpoint-sqlite"] },
  { label: "LangGraph", names: ["@langchain/langgraph-checkpoint-postgres"] },
  { label: "Mastra", names: ["@mastra/core", "@mastra/libsql"] },
  { label: "Mastra", names: ["@mastra/core", "@mastra/pg"] },
  { label: "VoltAgent", names: ["@voltagent/core", "@voltagent/libsql"] },
  { label: "VoltAgent", names: ["@voltagent/core", "@voltagent/postgres"] },
  { label: "VoltAgent", names: ["@voltagent/core", "@voltagent/supabase"] },
  { label: "Google ADK", names: ["@google/adk"] },
];

/** Ours as they would be published, packed and installed by npm; the neighbours as the benchmarks use them. */
export async function measureInstalls(): Promise<Install[]> {
  const measureIn = (folder: string, wanted: readonly Wanted[]): Install[] =>
    wanted.map((one) => ({ ...one, ...footprintOf(one.names, folder) }));
  const ours = await inTemporaryFolder(async (folder) => {
    await installPacked(folder);
    return measureIn(folder, OURS);
  });
  return [...ours, ...measureIn(PEERS_FOLDER, PEERS)];
}

async function installPacked(folder: string): Promise<void> {
  await runPnpm(["exec", "turbo", "run", "build", ...PACKED.map((name) => `--filter=@rivet/${name}`)]);
  for (const name of PACKED) await runPnpm(["pack", "--pack-destination", folder], join(ROOT, "packages", name));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "newcomer", type: "module" }));
  const tarballs = globSync("*.tgz", { cwd: folder }).map((file) => join(folder, file));
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...tarballs], { cwd: folder });
}

/** The bars of the smallest of ours. */
export function installMeasures(installs: readonly Install[]): Measure[] {
  const smallest = installs.find(({ names }) => names.includes("@rivet/memory-inmemory"));
  if (smallest === undefined) return [];
  const about = (unit: string, ours: number, most: number): Measure => ({
    name: `${smallest.names.join(" and ")}: installed, ${unit}`,
    unit,
    ours,
    reference: 1,
    ratio: ours,
    bar: { kind: "at most", value: most },
    against: "one",
  });
  return [about("MB", smallest.bytes / MB, MOST_MB), about("packages", smallest.packages, MOST_PACKAGES)];
}
