import { expect, it } from "vitest";
import { cellOf, refusalOf } from "../src/attempt.ts";
import type { Ended } from "../src/command.ts";
import { REMEMBERED } from "../src/programs.ts";

const SENTENCE = "Rivet Memory needs Node.js 22 or later, and this is Node.js 20.20.2";
const ended = (more: Partial<Ended>) => async (): Promise<Ended> => ({
  exitCode: 0,
  signal: null,
  output: REMEMBERED,
  errors: "",
  ...more,
});

it("a program that prints what it remembers works only if it ends by itself, with exit code 0", async () => {
  expect(await cellOf([{ run: ended({}) }])).toEqual({ kind: "works" });
  for (const end of [{ exitCode: 139 }, { exitCode: 1 }, { exitCode: null, signal: "SIGKILL" as const }]) {
    expect(await cellOf([{ run: ended(end) }])).toMatchObject({ kind: "fails" });
  }
  expect(await cellOf([{ run: ended({ output: "" }) }])).toMatchObject({ kind: "fails" });
});

it("the first way that works is named with its line", async () => {
  const ways = [{ run: ended({ exitCode: 1 }) }, { line: "a line", run: ended({}) }];
  expect(await cellOf(ways)).toEqual({ kind: "line", line: "a line" });
});

it("a refusal is a sentence and an exit code of the program's own", async () => {
  const refusal = { output: "", errors: `MemoryError: ${SENTENCE}` };
  expect(await refusalOf(ended({ ...refusal, exitCode: 1 }))).toEqual({ kind: "refused", sentence: SENTENCE });
  for (const end of [{ exitCode: 0 }, { exitCode: 139 }, { exitCode: null, signal: "SIGSEGV" as const }]) {
    expect(await refusalOf(ended({ ...refusal, ...end }))).toMatchObject({ kind: "fails" });
  }
  expect(await refusalOf(ended({ exitCode: 1, output: "", errors: "boom" }))).toMatchObject({ kind: "fails" });
});
