import { runScript, scriptLines } from "@rivet/local-servers";
import { expect, it } from "vitest";

const SCRIPT = new URL("./processes/last-statement.ts", import.meta.url);

it("a process whose last statement awaits any public method of a storage or session ends after it, with exit code 0", async () => {
  const calls = await scriptLines(SCRIPT, []);
  expect(calls.length).toBeGreaterThan(20);
  const outcomes = await Promise.all(
    calls.map(async (call) => {
      const run = runScript(SCRIPT, [call]);
      const lines: string[] = [];
      for await (const line of run.lines) lines.push(line);
      return { call, lines, ...(await run.ended) };
    }),
  );
  expect(outcomes).toEqual(calls.map((call) => ({ call, lines: ["settled"], exit: 0, errors: "" })));
});
