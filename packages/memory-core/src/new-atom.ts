/** A new atom on its way to the store: checked, copied, given an id and serialised. */
import { compareRows, encodeAtom, isSameAtom } from "./atom-codec.ts";
import { atomIdTimeMs, type AtomClock } from "./atom-id.ts";
import { isHistoryType, roleOf, SESSION_METADATA, type NewMemoryAtom } from "./atom.ts";
import { invalidInput } from "./errors.ts";
import type { JsonValue } from "./json.ts";
import { assertMessageContent } from "./message.ts";
import { assertMetadataChange } from "./session-metadata.ts";
import type { AtomRow } from "./storage-hooks.ts";
import { assertName, parseDateMs, parseNewAtomId, snapshotJson, snapshotJsonObject } from "./validation.ts";
import { conflictingAtom, foreignSession } from "./write-rules.ts";

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
  const expiresAtMs = parseExpiry(atom, `${path}.expiresAt`);
  const id = givenId ?? clock.next();
  const plain = { sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs };
  return encodeAtom(plain, maxAtomBytes, path);
}

function parseExpiry({ memoryType, expiresAt }: NewMemoryAtom, path: string): number | null {
  if (expiresAt === undefined) return null;
  if (isHistoryType(memoryType)) throw invalidInput(path, `is set, and atoms of type ${memoryType} do not expire`);
  return parseDateMs(expiresAt, path);
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
