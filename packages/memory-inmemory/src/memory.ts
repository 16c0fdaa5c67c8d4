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

/** One session: its head, and its atoms by id. */
export interface StoredSession {
  head: SessionHead;
  readonly atoms: OrderedMap<AtomRow>;
}

/** Sessions by id, and by how recent they are. */
class SessionIndex {
  /** In the order of every other store. */
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

/** What belongs to one user: sessions, and atoms by memory type and id. */
export interface StoredUser {
  readonly sessions: SessionIndex;
  /** The ids of sessions that have lost all their atoms. */
  readonly emptied: Set<string>;
  readonly atomsByType: Map<string, OrderedMap<AtomRow>>;
  /** Those of the atoms that expire, by when. */
  readonly expiring: OrderedMap<ExpiringRow>;
}

/** All that is stored, with its indexes. Every method keeps them in step with one another. */
export class Memory {
  readonly sessions = new SessionIndex();
  readonly users = new Map<string, StoredUser>();
  readonly tombstones = new Tombstones();
  /** Whose the sessions without atoms are. */
  readonly #claims = new Map<string, SessionClaim>();
  atomCount = 0;

  /** The session, unless there is none or `userId` is given and it belongs to someone else. */
  session(sessionId: string, userId: string | undefined): StoredSession | undefined {
    const session = this.sessions.byId.get(sessionId);
    return userId === undefined || userId === session?.head.userId ? session : undefined;
  }

  /** Whose a session id is. */
  claimOf(sessionId: string): SessionClaim {
    const head = this.sessions.byId.get(sessionId)?.head;
    return head === undefined ? (this.#claims.get(sessionId) ?? UNCLAIMED) : { userId: head.userId, isDeleted: false };
  }

  /** Creates the session, or gives it a new head. */
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

  /** Takes the session out of the lists when its last atom has gone. It stays its owner's. */
  emptySession(session: StoredSession): void {
    const { sessionId, userId } = session.head;
    this.#forgetHead(session);
    this.#user(userId).emptied.add(sessionId);
    this.#claims.set(sessionId, { userId, isDeleted: false });
  }

  /** Forgets a session of this user with its atoms, for good. @returns its head, unless it had no atoms. */
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
   * Forgets a user's sessions and atoms: taking a million atoms out one by one would hold the event loop for seconds.
   *
   * @returns the heads of the sessions, and the ids of those that had no atoms.
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

/** Orders sessions by their last atom, and apart when two share it. */
function recencyKey({ lastAtomId, sessionId }: SessionHead): string {
  return `${lastAtomId} ${sessionId}`;
}

/** Orders atoms of many sessions by id. */
function atomKey({ id, sessionId }: AtomRow): string {
  return `${id} ${sessionId}`;
}

function expires(row: AtomRow): row is ExpiringRow {
  return row.expiresAtMs !== null;
}

/** The span of a `Date` to either side of 1970, in milliseconds. */
const MAX_TIME_MS = 8.64e15;

/** Orders atoms of many sessions by when they expire. */
export function expiryKey({
  expiresAtMs,
  sessionId,
  id,
}: Pick<ExpiringRow, "expiresAtMs" | "sessionId" | "id">): string {
  const [sign, distanceMs] = expiresAtMs < 0 ? ["-", expiresAtMs + MAX_TIME_MS] : ["0", expiresAtMs];
  return `${sign}${String(distanceMs).padStart(16, "0")} ${sessionId} ${id}`;
}

/** A key after those of the id's own atoms or sessions, and before those of the next id. */
export function afterKeysOf(id: string): string {
  return `${id}!`;
}
