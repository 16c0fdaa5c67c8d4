import { fromJsonText, openStorage, type MemoryAtom } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";

type Atom = Pick<MemoryAtom, "id" | "memoryType" | "content">;

/** An atom, and how many copies of it each store has. */
export interface PlacedAtom extends Atom {
  readonly copies: ReadonlyMap<string, number>;
}

/** Every atom of a session in the order of its conversation, read from each provider by itself, and from the journal. */
export async function whereAtomsAre(
  sessionId: string,
  urls: Readonly<Record<string, string>>,
  journalPath: string,
): Promise<PlacedAtom[]> {
  const found = new Map<string, { atom: Atom; copies: Map<string, number> }>();
  const note = (store: string, atom: Atom): void => {
    const { copies } = found.get(atom.id) ?? { copies: new Map<string, number>() };
    copies.set(store, (copies.get(store) ?? 0) + 1);
    found.set(atom.id, { atom, copies });
  };
  for (const [name, url] of Object.entries(urls)) {
    await using storage = await openStorage(url);
    for await (const atom of storage.atoms({ sessionId })) note(name, atom);
  }
  for (const atom of await heldInJournal(journalPath, Object.keys(urls))) note("journal", atom);
  return [...found.values()]
    .toSorted((left, right) => (left.atom.id < right.atom.id ? -1 : 1))
    .map(({ atom: { id, memoryType, content }, copies }) => ({ id, memoryType, content, copies }));
}

/** What the journal still holds for any provider, each atom once. */
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
