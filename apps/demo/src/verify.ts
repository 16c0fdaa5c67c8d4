import { isDeepStrictEqual } from "node:util";
import type { MemoryStorage } from "@rivet/memory-core";
import type { Acknowledgement } from "./acknowledgements.ts";

/** What is wrong with what is stored, a sentence each; empty when each acknowledged atom is there exactly once. */
export async function verify(storage: MemoryStorage, acknowledged: readonly Acknowledgement[]): Promise<string[]> {
  const problems: string[] = [];
  const stored = new Map<string, unknown[]>();
  const sessionIds = new Set(acknowledged.map(({ sessionId }) => sessionId));
  for (const sessionId of sessionIds) {
    const onUnreadable = ({ id, error }: { id: string; error: Error }): void => {
      problems.push(`atom ${id} cannot be read: ${error.message}`);
    };
    for await (const atom of storage.atoms({ sessionId, onUnreadable })) {
      stored.set(atom.id, [...(stored.get(atom.id) ?? []), atom.content]);
    }
  }
  for (const { id, memoryType, content } of acknowledged) {
    const found = stored.get(id) ?? [];
    if (found.length !== 1) problems.push(`${memoryType} ${id} is there ${found.length} times`);
    else if (!isDeepStrictEqual(found[0], content)) problems.push(`${memoryType} ${id} has another content`);
  }
  if (acknowledged.length === 0) problems.push("nothing was acknowledged");
  return problems;
}
