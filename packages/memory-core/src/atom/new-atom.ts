/** Prepares a new atom for the store: checks it, copies it, gives it an id and serialises it. */
import { compareRows, encodeAtom, isSameAtom } from "./atom-codec.ts";
import { atomIdTimeMs, type AtomClock } from "./atom-id.ts";
import { isHistoryType, roleOf, SESSION_METADATA, type NewMemoryAtom } from "./atom.ts";
import { invalidInput } from "../errors/errors.ts";
import type { JsonValue } from "../json/json.ts";
import { assertNewContent } from "../message/message.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { assertMetadataChange } from "../session/session-metadata.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import { snapshotJson, snapshotJsonObject } from "../json/snapshot.ts";
import { assertName, parseDateMs, parseNewAtomId } from "./validation.ts";
import { conflictingAtom, foreignSession } from "../backend/write-rules.ts";

/** A misspelt `expiresAt` would keep an atom for ever. */
const ATOM_FIELDS: OptionFields<NewMemoryAtom> = {
  id: "setting",
  sessionId: "setting",
  userId: "setting",
  memoryType: "setting",
  content: "setting",
  metadata: "setting",
  createdAt: "setting",
  expiresAt: "setting",
};

/** @throws {MemoryError} `invalid_input` with the path of the invalid field. */
export function prepareAtom(atom: NewMemoryAtom, path: string, clock: AtomClock, maxAtomBytes: number): AtomRow {
  const { sessionId, userId, memoryType, ...given } = readOptions(atom, ATOM_FIELDS, path);
  assertName(sessionId, `${path}.sessionId`);
  assertName(userId, `${path}.userId`);
  assertName(memoryType, `${path}.memoryType`);
  const content = snapshotJson(given.content, `${path}.content`, maxAtomBytes);
  assertFixedForm(memoryType, content, `${path}.content`);
  const metadata = snapshotJsonObject(given.metadata ?? {}, `${path}.metadata`, maxAtomBytes);
  const givenId = given.id === undefined ? undefined : parseNewAtomId(given.id, `${path}.id`, clock.wallTimeMs());
  const createdAtMs =
    given.createdAt === undefined
      ? givenId === undefined
        ? clock.wallTimeMs()
        : atomIdTimeMs(givenId)
      : parseDateMs(given.createdAt, `${path}.createdAt`);
  const expiresAtMs = parseExpiry(memoryType, given.expiresAt, `${path}.expiresAt`);
  const id = givenId ?? clock.next();
  const plain = { sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs };
  return encodeAtom(plain, maxAtomBytes, path);
}

function parseExpiry(memoryType: string, expiresAt: Date | undefined, path: string): number | null {
  if (expiresAt === undefined) return null;
  if (isHistoryType(memoryType))
    throw invalidInput(path, `is set, but atoms of type ${memoryType} do not expire; leave it out`);
  return parseDateMs(expiresAt, path);
}

/** Checks messages and session metadata, which `Session` must be able to read back. */
function assertFixedForm(memoryType: string, content: JsonValue, path: string): void {
  if (roleOf(memoryType) !== undefined) assertNewContent(content, path);
  if (memoryType === SESSION_METADATA) assertMetadataChange(content, path);
}

/**
 * Sorts the rows into the order of a write and removes duplicates.
 *
 * @throws {MemoryError} `conflict` for an id with two different contents, `permission` for a session with two users.
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
