import { verify, type Difference, type VerifyProgress } from "@rivet/memory-core";
import type { Command } from "commander";
import { parseCount } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { countFacts } from "../storage/fact-count.ts";
import { storageName } from "../storage/storage-name.ts";
import { oneLine } from "../terminal/printable.ts";

interface Options {
  readonly limit: number;
  readonly subset?: boolean;
}

export function verifyCommand(): Command {
  return defineCommand<[string, string], Options>({
    usage: "verify <a> <b>",
    description: "Compares all that two storages hold, atom by atom, and reports every difference.",
    examples: [
      ["verify sqlite:agent.db postgres:", "exit code 0: equal; 1: they differ"],
      [
        "verify sqlite:agent.db postgres: --subset",
        "after a copy into a store that others use, too: nothing is missing",
      ],
    ],
    onInterrupt: "Interrupted. Nothing was changed.",
    configure: (command) =>
      command
        .option("--limit <count>", "stop after so many differences", parseCount, 1_000)
        .option("--subset", "only look for what <b> lacks of <a>, or has with other content"),
    run: async ({ open, signal, showsProgress, startProgress }, [a, b], { limit, subset: isSubset = false }) => {
      const [left, right] = [await open(a), await open(b)];
      const progress = startProgress({
        unit: "atoms",
        total: showsProgress ? await countFacts(left, signal) : undefined,
      });
      const onProgress = ({ facts }: VerifyProgress): void => progress.update(facts);
      const differences: Difference[] = [];
      for await (const difference of verify(left, right, { signal, onProgress })) {
        if (isSubset && difference.found === "only-right") continue;
        if (differences.push(difference) >= limit) break;
      }
      const places = {
        "only-left": `only in ${storageName(a)}`,
        "only-right": `only in ${storageName(b)}`,
        different: "not the same in both",
      };
      const lines = differences.map(
        ({ sessionId, id, kind, found }) =>
          `${oneLine(sessionId, 60)} ${kind} ${id ?? "of the session"}: ${places[found]}`,
      );
      const isCut = differences.length >= limit;
      const isRightAhead = lines.length > 0 && differences.every(({ found }) => found === "only-right");
      const summary =
        lines.length > 0
          ? `${lines.length}${isCut ? " and maybe more" : ""} differences.`
          : isSubset
            ? `${storageName(b)} lacks nothing of ${storageName(a)}.`
            : "They are equal.";
      const advice = isRightAhead
        ? [`All of them are only in ${storageName(b)}: --subset asks whether it lacks anything of ${storageName(a)}.`]
        : [];
      return {
        json: isSubset
          ? { isSubset: lines.length === 0, isCut, differences }
          : { isEqual: lines.length === 0, isCut, differences },
        text: [...lines, summary, ...advice].join("\n"),
        exitCode: lines.length === 0 ? EXIT.fine : EXIT.found,
      };
    },
  });
}
