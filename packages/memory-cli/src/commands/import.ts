import { MemoryError, type FactFilter, type MemoryStorage } from "@rivet/memory-core";
import type { Command } from "commander";
import { factsOfBlock, mergeBlock, type Imported } from "../archive/merge.ts";
import { blocksOf } from "../archive/read.ts";
import { filterOf, withSelectionOptions, type SelectionOptions } from "../archive/selection.ts";
import { readArchive, withFile } from "../archive/streams.ts";
import { defineCommand, type Context, type Outcome } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { ExpectedRemovals } from "../expected-removals.ts";
import { storageName } from "../storage-name.ts";
import { oneLine } from "../terminal/printable.ts";

interface Options extends SelectionOptions {
  readonly partial?: boolean;
}

export function importCommand(): Command {
  return defineCommand<[string, string], Options>({
    usage: "import <file> <url>",
    description:
      "Brings a storage what an export holds. The whole file is checked before anything of it is used. What the storage has deleted stays deleted; what the file says was deleted is removed, which is said before.",
    examples: [
      ["import backup.jsonl.gz postgres:", "again is safe: what is there is left as it is"],
      ["import damaged.jsonl sqlite:agent.db --partial", "whole blocks up to the damage, which is told"],
      ["import backup.jsonl.gz postgres: --user ada --no-deletions", "the atoms of one user, and nothing is removed"],
    ],
    configure: (command) =>
      withSelectionOptions(command).option("--partial", "of a damaged file, use the whole blocks before the damage"),
    usesJournal: true,
    run: async (context, [file, url], { partial = false, yes = false, ...selection }) =>
      withFile(file, context.signal, async (path) => {
        const filter = filterOf(selection);
        const { facts: total, tombstones } = await check(context, path, partial);
        const storage = await context.openOrCreate(url);
        if (tombstones > 0 && filter.deletions !== false) {
          const removals = await expectedRemovals(context, path, storage, filter);
          if (!(await removals.announce(context, url, yes))) return { json: undefined, text: "Nothing was changed." };
        }
        return importFrom(context, path, storage, { total, url, partial, filter });
      }),
  });
}

/** Of the whole blocks of a file. */
async function expectedRemovals(
  { signal }: Context,
  path: string,
  storage: MemoryStorage,
  filter: FactFilter,
): Promise<ExpectedRemovals> {
  const removals = new ExpectedRemovals(storage);
  try {
    for await (const block of blocksOf(readArchive(path))) {
      signal.throwIfAborted();
      await removals.add(factsOfBlock(block, filter).tombstones);
    }
  } catch (error) {
    // What is damaged was told, or is to be left out.
    if (!isDamage(error)) throw error;
  }
  return removals;
}

/** @returns how many facts the file holds, in whole blocks, and how many of them are deletions. */
async function check(
  { signal }: Context,
  path: string,
  partial: boolean,
): Promise<{ readonly facts: number; readonly tombstones: number }> {
  let [facts, tombstones] = [0, 0];
  try {
    for await (const block of blocksOf(readArchive(path))) {
      signal.throwIfAborted();
      facts += block.facts.length;
      tombstones += block.facts.filter((fact) => "tombstone" in fact).length;
    }
  } catch (error) {
    if (!partial || !isDamage(error)) throw error;
  }
  return { facts, tombstones };
}

function isDamage(error: unknown): error is MemoryError {
  return MemoryError.isInstance(error) && error.code === "corrupt" && error.operation === "import";
}

interface ImportSettings {
  readonly total: number;
  readonly url: string;
  readonly partial: boolean;
  readonly filter: FactFilter;
}

async function importFrom(
  { signal, startProgress }: Context,
  path: string,
  storage: MemoryStorage,
  { total, url, partial, filter }: ImportSettings,
): Promise<Outcome> {
  const progress = startProgress({ unit: "atoms", total });
  const imported: Imported = { inserted: 0, removed: 0, refused: [] };
  let facts = 0;
  let lastLine = 1;
  let damage: MemoryError | undefined;
  try {
    for await (const block of blocksOf(readArchive(path))) {
      signal.throwIfAborted();
      await mergeBlock(storage, block, imported, filter);
      progress.update((facts += block.facts.length));
      lastLine = block.lastLine;
    }
  } catch (error) {
    if (!partial || !isDamage(error)) throw error;
    damage = error;
  }
  const refused = imported.refused.map(({ row, error }) => ({
    sessionId: row.sessionId,
    id: row.id,
    code: error.code,
    message: error.message,
  }));
  const { inserted, removed } = imported;
  return {
    json: {
      inserted,
      removed,
      refused,
      ...(damage === undefined ? {} : { damage: damage.message, importedThroughLine: lastLine }),
    },
    text: [
      `${inserted} atoms were new in ${storageName(url)}, ${removed} were removed there.`,
      ...refused.map(
        ({ sessionId, id, message }) => `refused: ${oneLine(sessionId, 60)} ${id}: ${oneLine(message, 200)}`,
      ),
      ...(damage === undefined
        ? []
        : [`The file is damaged: ${damage.message}. All up to line ${lastLine} was used, and nothing after it.`]),
    ].join("\n"),
    exitCode: damage !== undefined ? EXIT.damaged : refused.length > 0 ? EXIT.found : EXIT.fine,
  };
}
