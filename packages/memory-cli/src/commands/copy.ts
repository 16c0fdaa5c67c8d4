import { replicate, type RefusedCopy } from "@rivet/memory-core";
import type { Command } from "commander";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { countMissing } from "../fact-count.ts";
import { storageName } from "../storage-name.ts";
import { oneLine } from "../terminal/printable.ts";

export function copyCommand(): Command {
  return defineCommand<[string, string]>({
    usage: "copy <from> <to>",
    description:
      "Brings a storage what another one holds: atoms with their ids and times, and deletions. What only the target has stays.",
    examples: [
      ["copy sqlite:agent.db postgres:", "moves a laptop's memory to the providers of the environment"],
      ["copy sqlite:agent.db postgres:", "again: goes on where it was interrupted, and brings what is new"],
    ],
    usesJournal: true,
    run: async ({ open, openOrCreate, signal, showsProgress, startProgress }, [from, to]) => {
      const [source, target] = [await open(from), await openOrCreate(to)];
      const progress = startProgress({
        unit: "atoms",
        total: showsProgress ? await countMissing(source, target, signal) : undefined,
      });
      const refused: RefusedCopy[] = [];
      const { copied, removed, sessions } = await replicate(source, target, {
        signal,
        onProgress: (now) => progress.update(now.copied),
        onRefused: (one) => refused.push(one),
      });
      return {
        json: {
          copied,
          removed,
          sessions,
          refused: refused.map(({ sessionId, id, error }) => ({ sessionId, id, code: error.code })),
        },
        text: [
          `${copied} atoms copied to ${storageName(to)}, ${removed} removed there, in ${sessions} sessions that differed.`,
          ...refused.map(
            ({ sessionId, id, error }) => `refused: ${oneLine(sessionId, 60)} ${id}: ${oneLine(error.message, 200)}`,
          ),
        ].join("\n"),
        exitCode: refused.length > 0 ? EXIT.found : EXIT.fine,
      };
    },
  });
}
