import { atLength } from "@rivet/local-servers";
import { expect, it } from "vitest";
import { check } from "./model/check.ts";
import { SOUND } from "./model/machinery.ts";

const RUNS = atLength({ usually: 500, long: 5_000 });

it(
  `three stores keep what they accept and become equal, in ${RUNS} runs of up to 50 steps`,
  { timeout: 900_000 },
  async () => {
    expect(await check(SOUND, { runs: RUNS })).toBeUndefined();
  },
);
