import type { RetentionPolicy } from "@rivet/memory-core";
import type { Command } from "commander";
import { parseCount, parseDuration, parseList } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../terminal/printable.ts";
import { usage } from "../usage-error.ts";

interface Options {
  readonly olderThan?: number;
  readonly keepLast?: number;
  readonly types?: string[];
  readonly user?: string;
  readonly session?: string;
  readonly batch?: number;
}

export function pruneCommand(): Command {
  return defineCommand<[string], Options>({
    usage: "prune <url>",
    description:
      "Removes what has expired, and what is too old or too much, in bounded batches. A tool call and its result go together; session metadata stay.",
    examples: [
      ["prune postgres: --older-than 90d --types log,context", "old logs and context, and nothing else"],
      ["prune sqlite:agent.db --keep-last 1000", "all but the newest 1,000 atoms of each session"],
      ["prune postgres:", "only what has expired"],
    ],
    configure: (command) =>
      command
        .option("--older-than <age>", "only what is older: 90d, 12h, 30m", parseDuration)
        .option("--keep-last <count>", "not the newest so many of each session", parseCount)
        .option("--types <names>", "only these memory types, with commas between them", parseList)
        .option("--user <id>", "only what belongs to one user")
        .option("--session <id>", "only what is in one session")
        .option("--batch <count>", "atoms that go in one step", parseCount),
    run: async ({ openToChange, signal, startProgress }, [url], options) => {
      const { types, olderThan, keepLast } = options;
      if (types !== undefined && olderThan === undefined && keepLast === undefined)
        throw usage("--types says of what; say how much with --older-than or --keep-last");
      const storage = await openToChange(url);
      const progress = startProgress({ unit: "atoms removed" });
      const receipt = await storage.prune(policyOf(options), {
        signal,
        onProgress: ({ atoms }) => progress.update(atoms),
        ...(options.batch === undefined ? {} : { batchSize: options.batch }),
      });
      const counts = Object.entries(receipt.atomsByType).map(([type, count]) => `${count} ${oneLine(type, 60)}`);
      return {
        json: receipt,
        text: `${receipt.atoms} atoms removed, ${receipt.expired} of them because they had expired${counts.length === 0 ? "" : `: ${counts.join(", ")}`}.`,
      };
    },
  });
}

function policyOf({ olderThan, keepLast, types, user, session }: Options): RetentionPolicy {
  return {
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
    ...(keepLast === undefined ? {} : { keepLast }),
    ...(types === undefined ? {} : { memoryTypes: types }),
    ...(user === undefined ? {} : { userId: user }),
    ...(session === undefined ? {} : { sessionId: session }),
  };
}
