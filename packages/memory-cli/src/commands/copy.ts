import { reconcile, replicate, type FactFilter, type MemoryStorage, type RefusedCopy } from "@rivet/memory-core";
import type { Command } from "commander";
import { filterOf, withSelectionOptions, type SelectionOptions } from "../archive/selection.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { ExpectedRemovals } from "../expected-removals.ts";
import { countMissing } from "../storage/fact-count.ts";
import { storageName } from "../storage/storage-name.ts";
import { oneLine } from "../terminal/printable.ts";

export function copyCommand(): Command {
  return defineCommand<[string, string], SelectionOptions>({
    usage: "copy <from> <to>",
    description:
      "Brings a storage what another one holds: atoms with their ids and times, and deletions, which remove what the target has; that is said before. What only the target has stays.",
    examples: [
      ["copy sqlite:agent.db postgres:", "moves a laptop's memory to the providers of the environment"],
      ["copy sqlite:agent.db postgres:", "again: goes on where it was interrupted, and brings what is new"],
      ["copy sqlite:agent.db postgres: --user ada --no-deletions", "the atoms of one user, and nothing is removed"],
    ],
    configure: withSelectionOptions,
    usesJournal: true,
    run: async (context, [from, to], { yes = false, ...selection }) => {
      const { open, openOrCreate, signal, showsProgress, startProgress } = context;
      const [source, target] = [await open(from), await openOrCreate(to)];
      if (selection.deletions !== false) {
        const removals = await expectedRemovals(source, target, filterOf(selection), signal);
        if (!(await removals.announce(context, to, yes))) return { json: undefined, text: "Nothing was changed." };
      }
      const progress = startProgress({
        unit: "atoms",
        total: showsProgress ? await countMissing(source, target, signal) : undefined,
      });
      const refused: RefusedCopy[] = [];
      const { copied, removed, sessions } = await replicate(source, target, {
        ...(selection.user === undefined ? {} : { userId: selection.user }),
        deletions: selection.deletions !== false,
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

/** Compares the two storages as the copy does, and counts the atoms that the deletions would remove from the target. */
async function expectedRemovals(
  source: MemoryStorage,
  target: MemoryStorage,
  filter: FactFilter,
  signal: AbortSignal,
): Promise<ExpectedRemovals> {
  const removals = new ExpectedRemovals(target);
  // An empty target loses nothing, and the comparison would read every session of the source.
  if ((await target.reader.selectHeads({ order: "session-id", limit: 1 })).length === 0) return removals;
  const { replica } = target;
  await reconcile(
    source.replica,
    {
      name: replica.name,
      rangesAfter: (...range) => replica.rangesAfter(...range),
      digestsOf: (ranges) => replica.digestsOf(ranges),
      sessions: (...range) => replica.sessions(...range),
      atomIds: (...page) => replica.atomIds(...page),
      atoms: (...selection) => replica.atoms(...selection),
      atomsAfter: (...page) => replica.atomsAfter(...page),
      tombstonesAfter: (...page) => replica.tombstonesAfter(...page),
      merge: async ({ tombstones }) => {
        await removals.add(tombstones);
        return { inserted: 0, removed: 0 };
      },
    },
    { filter: { ...filter, atoms: false }, isBothWays: false, signal, onRefused: () => undefined },
  );
  return removals;
}
