import {
  CLAIM_OF_DELETED,
  compareBytes,
  UNCLAIMED,
  type AtomRow,
  type SessionClaim,
  type SessionHead,
} from "@rivet/memory-core";
import { OrderedMap } from "./ordered-map.ts";
import { Tombstones } from "./tombstones.ts";

/** A session: its head, and its atoms by id. */
export interface StoredSession {
  head: SessionHead;
  readonly atoms: OrderedMap<AtomRow>;
}

/** Sessions by id, and by the time of their last atom. */
class SessionIndex {
  /** Session ids in the order of UTF-8 bytes, as in every other store. */
  readonly byId = new OrderedMap<StoredSession>(compareBytes);
  readonly byRecency = new OrderedMap<StoredSession>();

  add(session: StoredSession): void {
    this.byId.set(session.head.sessionId, session);
    this.byRecency.set(recencyKey(session.head), session);
  }

  remove({ head }: StoredSession): void {
    this.byId.delete(head.sessionId);
    this.byRecency.delete(recencyKey(head));
  }

  moved(session: StoredSession, before: SessionHead): void {
    if (before.lastAtomId === session.head.lastAtomId) return;
    this.byRecency.delete(recencyKey(before));
    this.byRecency.set(recencyKey(session.head), session);
  }
}

export type ExpiringRow = AtomRow & { readonly expiresAtMs: number };

/** The data of one user: sessions, and atoms by memory type and id. */
export interface StoredUser {
  readonly sessions: SessionIndex;
  /** The ids of sessions that have lost all of their atoms. */
  readonly emptied: Set<string>;
  readonly atomsByType: Map<string, OrderedMap<AtomRow>>;
  /** The atoms with an expiry, by their time of expiry. */
  readonly expiring: OrderedMap<ExpiringRow>;
}

/** All stored data, with its indexes. Every method keeps them consistent. */
export class Memory {
  readonly sessions = new SessionIndex();
  readonly users = new Map<string, StoredUser>();
  readonly tombstones = new Tombstones();
  /** The claims of session ids without atoms. */
  readonly #claims = new Map<string, SessionClaim>();
  atomCount = 0;

  /** The session, or undefined if it does not exist or `userId` is given and it belongs to another user. */
  session(sessionId: string, userId: string | undefined): StoredSession | undefined {
    const session = this.sessions.byId.get(sessionId);
    return userId === undefined || userId === session?.head.userId ? session : undefined;
  }

  /** The claim of a session id. */
  claimOf(sessionId: string): SessionClaim {
    const head = this.sessions.byId.get(sessionId)?.head;
    return head === undefined ? (this.#claims.get(sessionId) ?? UNCLAIMED) : { userId: head.userId, isDeleted: false };
  }

  /** Creates the session, or replaces its head. */
  setHead(head: SessionHead): StoredSession {
    const session = this.sessions.byId.get(head.sessionId);
    if (session === undefined) {
      const created = { head, atoms: new OrderedMap<AtomRow>() };
      this.sessions.add(created);
      const user = this.#user(head.userId);
      user.sessions.add(created);
      user.emptied.delete(head.sessionId);
      this.#claims.delete(head.sessionId);
      return created;
    }
    const before = session.head;
    session.head = head;
    this.sessions.moved(session, before);
    this.#user(head.userId).sessions.moved(session, before);
    return session;
  }

  addAtom(session: StoredSession, row: AtomRow): void {
    session.atoms.set(row.id, row);
    const { atomsByType, expiring } = this.#user(row.userId);
    let ofType = atomsByType.get(row.memoryType);
    if (ofType === undefined) atomsByType.set(row.memoryType, (ofType = new OrderedMap()));
    ofType.set(atomKey(row), row);
    if (expires(row)) expiring.set(expiryKey(row), row);
    this.atomCount += 1;
  }

  removeAtom(session: StoredSession, row: AtomRow): void {
    session.atoms.delete(row.id);
    this.#forgetAtom(row);
  }

  #forgetAtom(row: AtomRow): void {
    const { atomsByType, expiring } = this.#user(row.userId);
    const ofType = atomsByType.get(row.memoryType);
    ofType?.delete(atomKey(row));
    if (ofType?.isEmpty === true) atomsByType.delete(row.memoryType);
    if (expires(row)) expiring.delete(expiryKey(row));
    this.atomCount -= 1;
  }

  /** Removes a session from the lists after its last atom was deleted. The owner keeps its id. */
  emptySession(session: StoredSession): void {
    const { sessionId, userId } = session.head;
    this.#forgetHead(session);
    this.#user(userId).emptied.add(sessionId);
    this.#claims.set(sessionId, { userId, isDeleted: false });
  }

  /** Removes a session of this user with its atoms, permanently. @returns its head, unless it had no atoms. */
  removeSession(sessionId: string, userId: string): SessionHead | undefined {
    const session = this.sessions.byId.get(sessionId);
    for (const row of session?.atoms.values() ?? []) this.#forgetAtom(row);
    if (session !== undefined) this.#forgetHead(session);
    const user = this.#user(userId);
    user.emptied.delete(sessionId);
    if (user.sessions.byId.isEmpty && user.emptied.size === 0) this.users.delete(userId);
    this.#claims.set(sessionId, CLAIM_OF_DELETED);
    return session?.head;
  }

  #forgetHead(session: StoredSession): void {
    this.sessions.remove(session);
    this.#user(session.head.userId).sessions.remove(session);
  }

  /**
   * Removes a user's sessions and atoms as a whole; removing a million atoms one by one would block the event loop for
   * seconds.
   *
   * @returns the heads of the sessions, and the ids of the sessions without atoms.
   */
  removeUser(userId: string): { readonly heads: readonly SessionHead[]; readonly emptied: readonly string[] } {
    const user = this.users.get(userId);
    const sessions = Array.from(user?.sessions.byId.values() ?? []);
    for (const session of sessions) {
      this.sessions.remove(session);
      this.atomCount -= session.head.atomCount;
    }
    this.users.delete(userId);
    const heads = sessions.map(({ head }) => head);
    const emptied = [...(user?.emptied ?? [])];
    for (const sessionId of [...heads.map((head) => head.sessionId), ...emptied]) {
      this.#claims.set(sessionId, CLAIM_OF_DELETED);
    }
    return { heads, emptied };
  }

  #user(userId: string): StoredUser {
    let user = this.users.get(userId);
    if (user === undefined) {
      user = { sessions: new SessionIndex(), emptied: new Set(), atomsByType: new Map(), expiring: new OrderedMap() };
      this.users.set(userId, user);
    }
    return user;
  }
}

/** A key that orders sessions by their last atom, and is unique for sessions with the same last atom. */
function recencyKey({ lastAtomId, sessionId }: SessionHead): string {
  return `${lastAtomId} ${sessionId}`;
}

/** A key that orders atoms of many sessions by id. */
function atomKey({ id, sessionId }: AtomRow): string {
  return `${id} ${sessionId}`;
}

function expires(row: AtomRow): row is ExpiringRow {
  return row.expiresAtMs !== null;
}

/** The range of a `Date` on either side of 1970, in milliseconds. */
const MAX_TIME_MS = 8.64e15;

/** A key that orders atoms of many sessions by their time of expiry. */
export function expiryKey({
  expiresAtMs,
  sessionId,
  id,
}: Pick<ExpiringRow, "expiresAtMs" | "sessionId" | "id">): string {
  const [sign, distanceMs] = expiresAtMs < 0 ? ["-", expiresAtMs + MAX_TIME_MS] : ["0", expiresAtMs];
  return `${sign}${String(distanceMs).padStart(16, "0")} ${sessionId} ${id}`;
}

/** A key after all keys that begin with the id, and before the keys of the next id. */
export function afterKeysOf(id: string): string {
  return `${id}!`;
}
