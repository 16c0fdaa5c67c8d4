import { createHash } from "node:crypto";
import { MemoryError, type AtomKey, type AtomRow, type MemoryStorage, type Tombstone } from "@rivet/memory-core";
import { BLOCK_LINES, blockLine, endLine, factLine, HEADER, type Fact } from "./format.ts";

const SESSIONS_PAGE = 500;
const FACTS_PAGE = 500;
/** Atoms of a page, in UTF-16 units of their JSON: a page of the largest atoms has one or two. */
const PAGE_UNITS = 4 * 1024 * 1024;
/** The first page of a session, whose atoms may be of any size. */
const FIRST_PAGE = 4;
/** A block ends when its lines have so many bytes, however few they are. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** The length of the next page, by the size of the atoms in the last one: four times as long at the most. Pure. */
export function nextPageLength(length: number, rows: readonly AtomRow[]): number {
  const units = rows.reduce((sum, { content, metadata }) => sum + content.length + metadata.length, 1);
  const fitting = Math.floor((rows.length * PAGE_UNITS) / units);
  return Math.min(Math.max(fitting, 1), 4 * length, FACTS_PAGE);
}

/**
 * All facts of a storage: sessions in the order of their ids, and of each its tombstones and then its atoms, in the
 * order of theirs. It holds everything that was acknowledged before it began; what is written meanwhile may be in it or
 * not.
 */
export async function* factsOf({ replica }: MemoryStorage, signal: AbortSignal): AsyncGenerator<Fact> {
  for (let after = ""; ;) {
    const sessions = await replica.sessions({ after }, SESSIONS_PAGE);
    for (const { sessionId } of sessions) {
      signal.throwIfAborted();
      for await (const tombstone of pages<Tombstone>((last) => replica.tombstonesAfter(sessionId, last, FACTS_PAGE))) {
        yield { tombstone };
      }
      let length = FIRST_PAGE;
      for await (const rows of atomPages((last) => replica.atomsAfter(sessionId, last?.id, length))) {
        signal.throwIfAborted();
        for (const row of rows) yield { row };
        length = nextPageLength(length, rows);
      }
      after = sessionId;
    }
    if (sessions.length < SESSIONS_PAGE) return;
  }
}

async function* atomPages(
  pageAfter: (last?: AtomRow) => Promise<readonly AtomRow[]>,
): AsyncGenerator<readonly AtomRow[]> {
  for (let page = await pageAfter(); page.length > 0; page = await pageAfter(page.at(-1))) yield page;
}

async function* pages<Item>(pageAfter: (last?: Item) => Promise<readonly Item[]>): AsyncGenerator<Item> {
  for (let page = await pageAfter(); page.length > 0; page = await pageAfter(page.at(-1))) yield* page;
}

/** An atom that no archive can hold, as its JSON is damaged or out of bounds. */
export interface LeftOutAtom extends AtomKey {
  readonly reason: string;
}

interface ArchiveListeners {
  /** Called with how many facts are in it so far. */
  onProgress(facts: number): void;
  onLeftOut(atom: LeftOutAtom): void;
}

/** The text of an archive, block by block. An atom that cannot be read is reported, and keeps nothing else out. */
export async function* archiveOf(
  facts: AsyncIterable<Fact>,
  { onProgress, onLeftOut }: ArchiveListeners,
): AsyncGenerator<string> {
  const whole = createHash("sha256");
  const totals = { atoms: 0, tombstones: 0 };
  let blocks = 0;
  let lines: string[] = [];
  let bytes = 0;
  const block = (): string => {
    const text = lines.map((line) => `${line}\n`).join("");
    const end = blockLine((blocks += 1), lines.length, createHash("sha256").update(text).digest("hex"));
    lines = [];
    bytes = 0;
    return `${text}${end}\n`;
  };
  const counted = (text: string): string => {
    whole.update(text);
    return text;
  };
  yield counted(`${HEADER}\n`);
  for await (const fact of facts) {
    const line = lineOf(fact, onLeftOut);
    if (line === undefined) continue;
    totals["row" in fact ? "atoms" : "tombstones"] += 1;
    bytes += line.length;
    if (lines.push(line) < BLOCK_LINES && bytes < BLOCK_BYTES) continue;
    yield counted(block());
    onProgress(totals.atoms + totals.tombstones);
  }
  if (lines.length > 0) yield counted(block());
  yield `${endLine(totals, whole.digest("hex"))}\n`;
  onProgress(totals.atoms + totals.tombstones);
}

function lineOf(fact: Fact, onLeftOut: ArchiveListeners["onLeftOut"]): string | undefined {
  try {
    return factLine(fact);
  } catch (error) {
    if (!("row" in fact) || !(error instanceof SyntaxError || MemoryError.isInstance(error))) throw error;
    const { sessionId, id } = fact.row;
    onLeftOut({ sessionId, id, reason: error.message });
    return undefined;
  }
}
