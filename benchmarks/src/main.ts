import { Command } from "commander";
import { keepsBar, type Measure } from "./measure.ts";
import { saveInMemory } from "./measures/inmemory-save.ts";
import { loadFromPostgres } from "./measures/postgres-read.ts";
import {
  saveAtOnceToPostgres,
  saveToLongSessionInPostgres,
  saveTurnBesideMastra,
  saveTurnToPostgres,
} from "./measures/postgres-save.ts";
import { catchUp, repairLargeStores, saveReplicated } from "./measures/postgres-replication.ts";
import { loadFromSupabase, saveTurnBesideVoltAgent, saveTurnToSupabase } from "./measures/supabase.ts";
import { amongMillionAtoms, loadThousand } from "./measures/sqlite-read.ts";
import { saveAtOnce, saveToLongSession, saveTurnToSQLite } from "./measures/sqlite-save.ts";

const GROUPS: Readonly<Record<string, () => Promise<Measure | Measure[]>>> = {
  "sqlite-save": saveTurnToSQLite,
  "sqlite-at-once": saveAtOnce,
  "sqlite-load": loadThousand,
  "sqlite-long-session": saveToLongSession,
  "sqlite-million": amongMillionAtoms,
  "inmemory-save": saveInMemory,
  "postgres-save": saveTurnToPostgres,
  "postgres-mastra": saveTurnBesideMastra,
  "postgres-at-once": saveAtOnceToPostgres,
  "postgres-load": loadFromPostgres,
  "postgres-long-session": saveToLongSessionInPostgres,
  "supabase-save": saveTurnToSupabase,
  "supabase-load": loadFromSupabase,
  "supabase-voltagent": saveTurnBesideVoltAgent,
  "replication-save": saveReplicated,
  "replication-catch-up": catchUp,
  "replication-repair": repairLargeStores,
};

const { only } = new Command("pnpm bench")
  .description("Measures every backend beside hand-written code, in one run; the ratios compare across machines.")
  .option("--only <groups...>", `which of: ${Object.keys(GROUPS).join(", ")}`)
  .parse()
  .opts<{ only?: string[] }>();

const unknown = only?.find((group) => !Object.hasOwn(GROUPS, group));
if (unknown !== undefined) {
  console.error(`There is no group ${JSON.stringify(unknown)}; choose of: ${Object.keys(GROUPS).join(", ")}`);
  process.exit(1);
}

let kept = 0;
let missed = 0;
for (const [group, measure] of Object.entries(GROUPS)) {
  if (only !== undefined && !only.includes(group)) continue;
  for (const line of [await measure()].flat()) {
    print(line);
    if (keepsBar(line)) kept += 1;
    else missed += 1;
  }
}
console.log(`${kept} of ${kept + missed} bars kept`);
process.exitCode = missed > 0 ? 1 : 0;

function print(line: Measure): void {
  const { name, unit, ours, reference, ratio, bar, against } = line;
  console.log(`${keepsBar(line) ? "✓" : "✗"} ${name}`);
  console.log(`    ${rounded(ours)} ${unit} against ${rounded(reference)} ${unit}: ${against}`);
  console.log(`    ratio ${rounded(ratio)}; the bar is ${bar.kind} ${bar.value}`);
}

function rounded(value: number): string {
  return value.toPrecision(3).includes("e") ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
