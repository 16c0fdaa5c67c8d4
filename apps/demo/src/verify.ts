import { isDeepStrictEqual } from "node:util";
import type { MemoryAtom, MemoryStorage } from "@rivet/memory-core";
import type { Acknowledgement } from "./acknowledgements.ts";

/** The problems of the stored data, one sentence each; empty when each acknowledged atom is stored exactly once. */
export async function verify(storage: MemoryStorage, acknowledged: readonly Acknowledgement[]): Promise<string[]> {
  if (acknowledged.length === 0) return ["nothing was acknowledged"];
  const problems: string[] = [];
  const stored: MemoryAtom[] = [];
  for (const sessionId of new Set(acknowledged.map((atom) => atom.sessionId))) {
    const onUnreadable = ({ id, error }: { id: string; error: Error }): void => {
      problems.push(`atom ${id} cannot be read: ${error.message}`);
    };
    for await (const atom of storage.atoms({ sessionId, onUnreadable })) stored.push(atom);
  }
  const storedById = Map.groupBy(stored, (atom) => atom.id);
  for (const expected of acknowledged) {
    const found = storedById.get(expected.id) ?? [];
    const name = `${expected.memoryType} ${expected.id}`;
    if (found.length !== 1) problems.push(`${name} is stored ${found.length} times`);
    else if (!found.every((atom) => isSame(atom, expected))) problems.push(`${name} has different content`);
  }
  // If a turn was saved twice, the second copy has other ids.
  const acknowledgedIds = new Set(acknowledged.map((atom) => atom.id));
  for (const { id, memoryType } of stored) {
    if (!acknowledgedIds.has(id)) problems.push(`${memoryType} ${id} is stored but was never acknowledged`);
  }
  return problems;
}

function isSame(atom: MemoryAtom, expected: Acknowledgement): boolean {
  return (
    atom.memoryType === expected.memoryType &&
    isDeepStrictEqual(atom.content, expected.content) &&
    isDeepStrictEqual(atom.metadata, expected.metadata)
  );
}
