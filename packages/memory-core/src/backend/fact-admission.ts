/**
 * Checks whether facts of another store may enter this one, from an import or by replication.
 *
 * A fact is refused if this package never writes it and could not read it: an id that is not a UUIDv7, or text with an
 * invalid escape. An id that is ahead of the clock is accepted, because the other store has acknowledged it; no clock
 * follows it. Damaged content is accepted unchanged, and is reported when it is read.
 */
import { judgeAtomId, NIL_ID } from "../atom/atom-id.ts";
import { MemoryError } from "../errors/errors.ts";
import { decodeText, fromJsonText, shownText } from "../atom/serialization.ts";
import type { AtomKey, Facts } from "./storage-hooks.ts";

/** @throws {MemoryError} `invalid_input` with the session and the id of the first refused fact. */
export function assertMayEnter({ rows, tombstones }: Facts): void {
  for (const row of rows) {
    if (judgeAtomId(row.id, 0) === "malformed") throw refusedFact(row, "its id is not a UUIDv7 in lower case");
    assertEncoded(row, ["sessionId", "userId", "memoryType"], decodeText);
    assertEncoded(row, ["content", "metadata"], fromJsonText);
  }
  for (const tombstone of tombstones) {
    const isId = tombstone.id === NIL_ID || judgeAtomId(tombstone.id, 0) !== "malformed";
    if (!isId) throw refusedFact(tombstone, "its id is neither a UUIDv7 in lower case nor the nil UUID");
    assertEncoded(tombstone, ["sessionId"], decodeText);
  }
}

function assertEncoded<Fact extends AtomKey, Field extends keyof Fact & string>(
  fact: Fact & Readonly<Record<Field, string>>,
  fields: readonly Field[],
  decode: (text: string) => unknown,
): void {
  for (const field of fields) {
    try {
      decode(fact[field]);
    } catch (error) {
      if (MemoryError.isInstance(error)) throw refusedFact(fact, `its ${field} ${HOLDS_FORGED_ESCAPE}`);
    }
  }
}

export const HOLDS_FORGED_ESCAPE = "contains an invalid escape, which this package never writes";

/** The error for a refused fact. */
export function refusedFact({ sessionId: encoded, id }: AtomKey, problem: string): MemoryError {
  const sessionId = shownText(encoded);
  return new MemoryError({
    code: "invalid_input",
    message: `a fact of atom ${id} of session ${JSON.stringify(sessionId)} is refused: ${problem}`,
    sessionId,
    atomId: id,
    outcome: "not_applied",
  });
}
