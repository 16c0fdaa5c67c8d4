import { describe, expect, it } from "vitest";
import { check } from "./model/check.ts";
import { SOUND } from "./model/machinery.ts";
import { MUTANTS } from "./model/mutants.ts";

/** The rarest of them shows itself in one run of some fifty. */
const RUNS = 1_000;
/** A fixed one: whether a mutant is caught must not depend on luck. */
const SEED = 20_260_101;

describe("the model", () => {
  it.each(Object.entries(MUTANTS))("notices replication that %s", async (_, mutant) => {
    expect(await check({ ...SOUND, ...mutant }, { runs: RUNS, seed: SEED })).toMatch(/invariant \d/);
  });

  it("finds nothing wrong with replication as it is, in the same runs", async () => {
    expect(await check(SOUND, { runs: RUNS, seed: SEED })).toBeUndefined();
  });
});
