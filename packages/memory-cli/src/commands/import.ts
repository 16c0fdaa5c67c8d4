import type { FactFilter, MemoryStorage } from "@rivet/memory-core";
import type { Command } from "commander";
import { parseCount } from "../arguments.ts";
import { mergeFacts, selectedFacts, type Imported } from "../archive/merge.ts";
import type { Fact } from "../archive/format.ts";
import { checkArchive, checkedFacts, type CheckedArchive } from "../archive/read.ts";
import { filterOf, withSelectionOptions, type SelectionOptions } from "../archive/selection.ts";
import { readArchive, withFile } from "../archive/streams.ts";
import { defineCommand, type Context, type Outcome } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { ExpectedRemovals } from "../expected-removals.ts";
import { storageName } from "../storage/storage-name.ts";
import { oneLine } from "../terminal/printable.ts";

interface Options extends SelectionOptions {
  readonly partial?: boolean;
  readonly maxAtomBytes?: number;
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
      withSelectionOptions(command)
        .option("--partial", "of a damaged file, use the whole blocks before the damage")
        .option("--max-atom-bytes <count>", "of a store with larger atoms than 16 MiB", parseCount),
    usesJournal: true,
    run: async (context, [file, url], { partial = false, yes = false, maxAtomBytes, ...selection }) =>
      withFile(file, context.signal, async (path) => {
        const { signal } = context;
        const archive = await checkArchive(readArchive(path), { signal, maxAtomBytes });
        if (archive.damage !== undefined && !partial) throw archive.damage;
        const settings = { archive, url, filter: filterOf(selection) };
        const facts = (): AsyncGenerator<readonly Fact[]> =>
          checkedFacts(readArchive(path), archive, { signal, maxAtomBytes });
        const storage = await context.openOrCreate(url);
        if (archive.tombstones > 0 && settings.filter.deletions !== false) {
          const removals = await expectedRemovals(facts(), storage, settings.filter);
          if (!(await removals.announce(context, url, yes))) return { json: undefined, text: "Nothing was changed." };
        }
        return importFrom(context, facts(), storage, settings);
      }),
  });
}

async function expectedRemovals(
  facts: AsyncIterable<readonly Fact[]>,
  storage: MemoryStorage,
  filter: FactFilter,
): Promise<ExpectedRemovals> {
  const removals = new ExpectedRemovals(storage);
  for await (const some of facts) await removals.add(selectedFacts(some, filter).tombstones);
  return removals;
}

interface ImportSettings {
  readonly archive: CheckedArchive;
  readonly url: string;
  readonly filter: FactFilter;
}

async function importFrom(
  { startProgress }: Context,
  facts: AsyncIterable<readonly Fact[]>,
  storage: MemoryStorage,
  { archive, url, filter }: ImportSettings,
): Promise<Outcome> {
  const { damage, lastLine } = archive;
  const progress = startProgress({ unit: "atoms", total: archive.atoms + archive.tombstones });
  const imported: Imported = { inserted: 0, removed: 0, refused: [] };
  let done = 0;
  for await (const some of facts) {
    await mergeFacts(storage, some, imported, filter);
    progress.update((done += some.length));
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
