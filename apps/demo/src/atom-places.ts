import { openStorage, type MemoryAtom } from "@rivet/memory-core";

/** An atom, and how many copies of it each store has. */
export interface PlacedAtom extends Pick<MemoryAtom, "id" | "memoryType" | "content"> {
  readonly copies: ReadonlyMap<string, number>;
}

/** Every atom of a session in the order of its conversation, read from each store by itself. */
export async function whereAtomsAre(
  sessionId: string,
  urls: Readonly<Record<string, string>>,
  journalPath: string,
): Promise<PlacedAtom[]> {
  const atoms = new Map<string, MemoryAtom>();
  const copies = new Map<string, Map<string, number>>();
  for (const [name, url] of Object.entries({ ...urls, journal: `sqlite:${journalPath}` })) {
    await using storage = await openStorage(url);
    for await (const atom of storage.atoms({ sessionId })) {
      atoms.set(atom.id, atom);
      const places = copies.get(atom.id) ?? new Map<string, number>();
      copies.set(atom.id, places.set(name, (places.get(name) ?? 0) + 1));
    }
  }
  return [...atoms.values()]
    .toSorted((left, right) => (left.id < right.id ? -1 : 1))
    .map(({ id, memoryType, content }) => ({ id, memoryType, content, copies: copies.get(id) ?? new Map() }));
}
