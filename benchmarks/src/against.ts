/**
 * Compares a save of this checkout with a save of another one. The two save by turns in one process, to a file or a
 * database each, so that a slow machine, or a noisy one, is slow for both. Ratios of two runs differ by 10 %, these by
 * 1 %.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { CONTENDERS } from "./comparison/contenders.ts";
import { GROUNDS, type Ground } from "./comparison/grounds.ts";
import { medianOf } from "./comparison/statistics.ts";
import type { OpenStore, Store, StoredSession } from "./comparison/store.ts";
import { wholeNumber } from "./options.ts";

const FAMILIES = ["sqlite", "postgres"] as const;
const ROOT = join(import.meta.dirname, "..", "..");
const STORE = join("benchmarks", "src", "comparison", "stores", "rivet.ts");
/** The share of turns before anything counts: until both have compiled their code. */
const WARM_UP = 0.2;

interface Side extends AsyncDisposable {
  readonly session: StoredSession;
  readonly timesMs: number[];
}

const program = new Command("pnpm bench:against")
  .description("Compares the time of a save with that of another checkout, whose dependencies are installed.")
  .argument("<checkout>", "the root folder of the other checkout")
  .option("--turns <count>", "saves of each", wholeNumber, 4_000)
  .option("--only <names...>", `which of: ${FAMILIES.join(", ")}`)
  .parse();
const { turns, only } = program.opts<{ turns: number; only?: string[] }>();
const other = resolve(process.env["INIT_CWD"] ?? "", program.args[0] ?? "");
if (!existsSync(join(other, STORE))) program.error(`${other} is not a checkout of this repository: it has no ${STORE}`);
const unknown = only?.find((name) => !FAMILIES.some((family) => family === name));
if (unknown !== undefined) program.error(`There is no ${JSON.stringify(unknown)}; choose of: ${FAMILIES.join(", ")}`);

for (const family of FAMILIES) {
  if (only?.includes(family) === false) continue;
  await using ground = await GROUNDS[family]();
  await using here = await openSide(ROOT, ground, family);
  await using there = await openSide(other, ground, family);
  for (let turn = 0; turn < turns; turn++) {
    // The order changes with each turn, because the second one finds warmer caches.
    for (const side of turn % 2 === 0 ? [here, there] : [there, here]) {
      const startMs = performance.now();
      await side.session.saveTurn();
      if (turn >= turns * WARM_UP) side.timesMs.push(performance.now() - startMs);
    }
  }
  const [oursMs, theirsMs] = [medianOf(here.timesMs), medianOf(there.timesMs)];
  console.log(
    `${family}: a save takes ${oursMs.toFixed(3)} ms here and ${theirsMs.toFixed(3)} ms there: ${(oursMs / theirsMs).toFixed(3)} times as long`,
  );
}

async function openSide(root: string, ground: Ground, family: (typeof FAMILIES)[number]): Promise<Side> {
  const [contender] = CONTENDERS[family];
  if (contender === undefined) throw new Error(`${family} has no contender`);
  const { openStore } = (await import(pathToFileURL(join(root, STORE)).href)) as { openStore: OpenStore };
  const store: Store = await openStore(await ground.newPlace(contender));
  return {
    session: await store.openSession("turns"),
    timesMs: [],
    [Symbol.asyncDispose]: () => store.close(),
  };
}
