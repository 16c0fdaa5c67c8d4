import { createHash } from "node:crypto";
import type { AtomRow, MemoryStorage, Tombstone } from "@rivet/memory-core";
import { BLOCK_LINES, blockLine, endLine, factLine, HEADER, type Fact } from "./format.ts";

const SESSIONS_PAGE = 500;
const FACTS_PAGE = 500;

/**
 * All facts of a storage: sessions in the order of their ids, and of each its tombstones and then its atoms, in the order
 * of theirs. It holds everything that was acknowledged before it began; what is written meanwhile may be in it or not.
 */
export async function* factsOf({ replica }: MemoryStorage, signal: AbortSignal): AsyncGenerator<Fact> {
  for (let after = ""; ;) {
    const sessions = await replica.sessions({ after }, SESSIONS_PAGE);
    for (const { sessionId } of sessions) {
      signal.throwIfAborted();
      for await (const tombstone of pages<Tombstone>((last) => replica.tombstonesAfter(sessionId, last, FACTS_PAGE))) {
        yield { tombstone };
      }
      for await (const row of pages<AtomRow>((last) => replica.atomsAfter(sessionId, last?.id, FACTS_PAGE)))
        yield { row };
      after = sessionId;
    }
    if (sessions.length < SESSIONS_PAGE) return;
  }
}

async function* pages<Item>(pageAfter: (last?: Item) => Promise<readonly Item[]>): AsyncGenerator<Item> {
  for (let page = await pageAfter(); page.length > 0; page = await pageAfter(page.at(-1))) yield* page;
}

/**
 * The text of an archive, block by block.
 *
 * @param onProgress told how many facts are in it so far.
 */
export async function* archiveOf(
  facts: AsyncIterable<Fact>,
  onProgress: (facts: number) => void,
): AsyncGenerator<string> {
  const whole = createHash("sha256");
  const totals = { atoms: 0, tombstones: 0 };
  let blocks = 0;
  let lines: string[] = [];
  const block = (): string => {
    const text = lines.map((line) => `${line}\n`).join("");
    const end = blockLine((blocks += 1), lines.length, createHash("sha256").update(text).digest("hex"));
    lines = [];
    return `${text}${end}\n`;
  };
  const counted = (text: string): string => {
    whole.update(text);
    return text;
  };
  yield counted(`${HEADER}\n`);
  for await (const fact of facts) {
    totals["row" in fact ? "atoms" : "tombstones"] += 1;
    if (lines.push(factLine(fact)) < BLOCK_LINES) continue;
    yield counted(block());
    onProgress(totals.atoms + totals.tombstones);
  }
  if (lines.length > 0) yield counted(block());
  yield `${endLine(totals, whole.digest("hex"))}\n`;
  onProgress(totals.atoms + totals.tombstones);
}
