/** Counts the facts that a command has to copy, for its progress. */
import type { MemoryStorage, SessionDigest, SessionRange } from "@rivet/memory-core";

const PAGE_SESSIONS = 500;

/** Atoms and tombstones that a storage holds. */
export async function countFacts(storage: MemoryStorage, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const page of pagesOf(storage, { after: "" }, signal)) {
    for (const { atomCount, tombstoneCount } of page) count += atomCount + tombstoneCount;
  }
  return count;
}

/** About how many atoms a copy has to bring: where the target has atoms of its own, it may be more. */
export async function countMissing(source: MemoryStorage, target: MemoryStorage, signal: AbortSignal): Promise<number> {
  let count = 0;
  let after = "";
  for await (const page of pagesOf(source, { after }, signal)) {
    const through = page.at(-1)?.sessionId;
    const there = new Map<string, number>();
    for await (const some of pagesOf(target, { after, through }, signal)) {
      for (const { sessionId, atomCount } of some) there.set(sessionId, atomCount);
    }
    for (const { sessionId, atomCount } of page) count += Math.max(0, atomCount - (there.get(sessionId) ?? 0));
    after = through ?? after;
  }
  return count;
}

async function* pagesOf(
  { replica }: MemoryStorage,
  { after, through }: SessionRange,
  signal: AbortSignal,
): AsyncGenerator<readonly SessionDigest[]> {
  for (let last = after; ;) {
    signal.throwIfAborted();
    const page = await replica.sessions({ after: last, through }, PAGE_SESSIONS);
    yield page;
    last = page.at(-1)?.sessionId ?? last;
    if (page.length < PAGE_SESSIONS) return;
  }
}
