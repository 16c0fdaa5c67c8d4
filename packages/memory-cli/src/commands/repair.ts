import type { Command } from "commander";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { assertReplicated } from "./replicated.ts";

export function repairCommand(): Command {
  return defineCommand<[string | undefined]>({
    usage: "repair [url]",
    description: "Makes the configured providers equal: each gets what any other has.",
    examples: [["repair", "after a provider was restored from a backup, or to be sure"]],
    usesJournal: true,
    run: async ({ openToChange, signal, startProgress }, [url = "postgres:"]) => {
      const storage = await openToChange(url);
      assertReplicated(storage);
      const progress = startProgress({ unit: "atoms" });
      const report = await storage.repair({ signal, onProgress: ({ copied }) => progress.update(copied) });
      return {
        json: report,
        text: [
          `${report.copied} atoms copied, ${report.removed} removed.`,
          ...report.skipped.map((name) => `${name} could not be reached, and was left out`),
        ].join("\n"),
        exitCode: report.skipped.length > 0 ? EXIT.found : EXIT.fine,
      };
    },
  });
}
