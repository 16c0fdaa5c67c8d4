import type { Command } from "commander";
import { assertNew, STANDARD_STREAM, writeArchive } from "../archive/streams.ts";
import { archiveOf, factsOf, type LeftOutAtom } from "../archive/write.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { countFacts } from "../storage/fact-count.ts";
import { oneLine } from "../terminal/printable.ts";

interface Options {
  readonly force?: boolean;
}

export function exportCommand(): Command {
  return defineCommand<[string, string], Options>({
    usage: "export <url> <file>",
    description:
      "Writes all that a storage holds, and what was deleted from it, into a file of JSON Lines with checksums; compressed when its name ends in .gz, to stdout for -.",
    examples: [
      ["export postgres: backup.jsonl.gz", "a backup"],
      ["export sqlite:agent.db - | wc -l", "to another program"],
    ],
    onInterrupt: "Interrupted. No file was written.",
    configure: (command) => command.option("--force", "replace a file that is there"),
    run: async ({ open, signal, showsProgress, startProgress }, [url, file], { force = false }) => {
      if (!force) assertNew(file);
      const storage = await open(url);
      const progress = startProgress({
        unit: "atoms",
        total: showsProgress ? await countFacts(storage, signal) : undefined,
      });
      let count = 0;
      const leftOut: LeftOutAtom[] = [];
      const archive = archiveOf(factsOf(storage, signal), {
        onProgress: (facts) => progress.update((count = facts)),
        onLeftOut: (atom) => leftOut.push(atom),
      });
      await writeArchive(file, archive, { isReplacing: force });
      progress.stop();
      for (const { sessionId, id, reason } of leftOut) {
        process.stderr.write(
          `left out, as it cannot be read: ${oneLine(sessionId, 60)} ${id}: ${oneLine(reason, 200)}\n`,
        );
      }
      const isStream = file === STANDARD_STREAM;
      return {
        json: isStream ? undefined : { file, facts: count, leftOut },
        text: isStream ? "" : `${count} atoms and deletions written to ${file}.`,
        exitCode: leftOut.length > 0 ? EXIT.damaged : EXIT.fine,
      };
    },
  });
}
