import type { PruneReceipt, RetentionPolicy } from "@rivet/memory-core";
import type { Command } from "commander";
import { parseCount, parseDuration, parseList } from "../arguments.ts";
import { defineCommand, type Context, type Outcome } from "../command.ts";
import { removeWithConsent, withRemovalOptions, type RemovalOptions } from "../removal.ts";
import { oneLine } from "../terminal/printable.ts";
import { usage } from "../usage-error.ts";

interface Options extends RemovalOptions {
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
      ["prune postgres: --older-than 90d --types log,context --dry-run", "counts the old logs and context"],
      ["prune sqlite:agent.db --keep-last 1000 --yes", "all but the newest 1,000 atoms of each session"],
      ["prune postgres:", "only what has expired, which no read returns any more"],
    ],
    usesJournal: true,
    configure: (command) =>
      withRemovalOptions(command)
        .option("--older-than <age>", "only what is older: 90d, 12h, 30m", parseDuration)
        .option("--keep-last <count>", "not the newest so many of each session", parseCount)
        .option("--types <names>", "only these memory types, with commas between them", parseList)
        .option("--user <id>", "only what belongs to one user")
        .option("--session <id>", "only what is in one session")
        .option("--batch <count>", "atoms that go in one step", parseCount),
    run: async (context, [url], options) => {
      const { types, olderThan, keepLast, yes = false } = options;
      const isExpiryAlone = olderThan === undefined && keepLast === undefined;
      if (types !== undefined && isExpiryAlone)
        throw usage("--types alone removes nothing; add --older-than or --keep-last");
      return removeWithConsent(
        context,
        { ...options, yes: yes || isExpiryAlone },
        {
          name: "prune",
          count: () => prune(context, url, options, true),
          remove: () => prune(context, url, options, false),
        },
      );
    },
  });
}

async function prune(
  { open, openToChange, signal, startProgress }: Context,
  url: string,
  options: Options,
  isDryRun: boolean,
): Promise<Outcome> {
  const storage = isDryRun ? await open(url) : await openToChange(url);
  const progress = startProgress({ unit: isDryRun ? "atoms found" : "atoms removed" });
  const receipt = await storage.prune(policyOf(options), {
    signal,
    dryRun: isDryRun,
    onProgress: ({ atoms }) => progress.update(atoms),
    ...(options.batch === undefined ? {} : { batchSize: options.batch }),
  });
  progress.stop();
  return { json: { isDryRun, ...receipt }, text: textOf(receipt, isDryRun) };
}

function textOf({ atoms, expired, atomsByType }: PruneReceipt, isDryRun: boolean): string {
  const counts = Object.entries(atomsByType).map(([type, count]) => `${count} ${oneLine(type, 60)}`);
  const ofTypes = counts.length === 0 ? "" : `: ${counts.join(", ")}`;
  const done = isDryRun ? "would be removed" : "removed";
  const end = isDryRun ? " Nothing was changed." : "";
  return `${atoms} atoms ${done}, ${expired} of them because they had expired${ofTypes}.${end}`;
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
