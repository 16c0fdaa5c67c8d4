/** A new atom on its way to the store: checked, copied, given an id and serialised. */
import { compareRows, encodeAtom, isSameAtom } from "./atom-codec.ts";
import { atomIdTimeMs, type AtomClock } from "./atom-id.ts";
import { roleOf, SESSION_METADATA, type NewMemoryAtom } from "./atom.ts";
import { invalidInput, MemoryError } from "./errors.ts";
import type { JsonValue } from "./json.ts";
import { assertMessageContent } from "./message.ts";
import { decodeText } from "./serialization.ts";
import { assertMetadataChange } from "./session-metadata.ts";
import type { AtomRow } from "./storage-hooks.ts";
import { assertName, parseDateMs, parseNewAtomId, snapshotJson, snapshotJsonObject } from "./validation.ts";

/** @throws {MemoryError} `invalid_input` with the path of what is wrong. */
export function prepareAtom(atom: NewMemoryAtom, path: string, clock: AtomClock, maxAtomBytes: number): AtomRow {
  if (typeof atom !== "object" || atom === null) throw invalidInput(path, "must be an object");
  const { sessionId, userId, memoryType } = atom;
  assertName(sessionId, `${path}.sessionId`);
  assertName(userId, `${path}.userId`);
  assertName(memoryType, `${path}.memoryType`);
  const content = snapshotJson(atom.content, `${path}.content`, maxAtomBytes);
  assertFixedForm(memoryType, content, `${path}.content`);
  const metadata = snapshotJsonObject(atom.metadata ?? {}, `${path}.metadata`, maxAtomBytes);
  const givenId = atom.id === undefined ? undefined : parseNewAtomId(atom.id, `${path}.id`, clock.wallTimeMs());
  const createdAtMs =
    atom.createdAt === undefined
      ? givenId === undefined
        ? clock.wallTimeMs()
        : atomIdTimeMs(givenId)
      : parseDateMs(atom.createdAt, `${path}.createdAt`);
  const id = givenId ?? clock.next();
  return encodeAtom({ sessionId, id, userId, memoryType, content, metadata, createdAtMs }, maxAtomBytes, path);
}

/** Messages and session metadata are read back by `Session`: they must be what it reads. */
function assertFixedForm(memoryType: string, content: JsonValue, path: string): void {
  if (roleOf(memoryType) !== undefined) assertMessageContent(content, path);
  if (memoryType === SESSION_METADATA) assertMetadataChange(content, path);
}

/**
 * The rows in the order of a write, each id once.
 *
 * @throws {MemoryError} `conflict` for one id with two contents, `permission` for one session with two users.
 */
export function arrangeRows(rows: readonly AtomRow[]): AtomRow[] {
  const arranged: AtomRow[] = [];
  for (const row of rows.toSorted(compareRows)) {
    const previous = arranged.at(-1);
    if (previous?.sessionId === row.sessionId) {
      if (previous.userId !== row.userId) throw foreignSession(row);
      if (previous.id === row.id) {
        if (!isSameAtom(previous, row)) throw conflictingAtom(row);
        continue;
      }
    }
    arranged.push(row);
  }
  return arranged;
}

/** The rows of a write, which are sorted by session, as one group a session. */
export function bySession(rows: readonly AtomRow[]): [AtomRow, ...AtomRow[]][] {
  const groups: [AtomRow, ...AtomRow[]][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    if (group?.[0].sessionId === row.sessionId) group.push(row);
    else groups.push([row]);
  }
  return groups;
}

/** The id is taken by an atom that says something else. */
export function conflictingAtom(row: Pick<AtomRow, "sessionId" | "id">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `atom ${row.id} of session ${JSON.stringify(sessionId)} exists with other content; atoms never change: save new content under a new id`,
    sessionId,
    atomId: row.id,
    outcome: "not_applied",
  });
}

/** The session has another owner. */
export function foreignSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "permission",
    message: `session ${JSON.stringify(sessionId)} belongs to another user; use another session id`,
    sessionId,
    outcome: "not_applied",
  });
}

/** The session has a tombstone. */
export function deletedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "not_found",
    message: `session ${JSON.stringify(sessionId)} was deleted; its id is never used again: start a new session`,
    sessionId,
    outcome: "not_applied",
  });
}

/** Another writer changed the session, and the save asked for that not to be. */
export function changedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `session ${JSON.stringify(sessionId)} was changed by another writer; refresh() it, decide again, and save`,
    sessionId,
    outcome: "not_applied",
  });
}
