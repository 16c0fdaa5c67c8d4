import { isDeepStrictEqual } from "node:util";
import { fromJsonText, openStorage, type MemoryAtom } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";

interface Found {
  readonly atom: Atom;
  readonly copies: Map<string, number>;
  isAlike: boolean;
}

type Atom = Pick<MemoryAtom, "id" | "memoryType" | "content">;

/** An atom, with the number of copies in each store. */
export interface PlacedAtom extends Atom {
  readonly copies: ReadonlyMap<string, number>;
  /** Whether the copies of all providers are equal. */
  readonly isAlike: boolean;
}

/** All atoms of a session in conversation order, read from each provider directly, and from the journal. */
export async function whereAtomsAre(
  sessionId: string,
  urls: Readonly<Record<string, string>>,
  journalPath: string,
): Promise<PlacedAtom[]> {
  const found = new Map<string, Found>();
  const note = (store: string, atom: Atom): Found => {
    const entry = found.get(atom.id) ?? { atom, copies: new Map<string, number>(), isAlike: true };
    entry.copies.set(store, (entry.copies.get(store) ?? 0) + 1);
    found.set(atom.id, entry);
    return entry;
  };
  for (const [name, url] of Object.entries(urls)) {
    await using storage = await openStorage(url);
    for await (const atom of storage.atoms({ sessionId })) {
      const entry = note(name, atom);
      entry.isAlike &&= isDeepStrictEqual(atom, entry.atom);
    }
  }
  for (const atom of await heldInJournal(journalPath, Object.keys(urls))) note("journal", atom);
  return [...found.values()]
    .toSorted((left, right) => (left.atom.id < right.atom.id ? -1 : 1))
    .map(({ atom: { id, memoryType, content }, copies, isAlike }) => ({ id, memoryType, content, copies, isAlike }));
}

/** The atoms that the journal still holds for any provider, each once. */
async function heldInJournal(path: string, providers: readonly string[]): Promise<Atom[]> {
  await using file = new SQLiteStorage(path);
  const held = new Map<string, Atom>();
  for (const provider of providers) {
    for (const row of await file.journal.pending(provider, undefined, 1_000)) {
      held.set(row.id, { ...row, content: fromJsonText(row.content) });
    }
  }
  return [...held.values()];
}
