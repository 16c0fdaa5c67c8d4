import { compareBytes, NIL_ID, type AtomRow, type SessionHead, type Tombstone } from "@rivet/memory-core";
import { OrderedMap } from "./ordered-map.ts";

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
  readonly atomsByType: Map<string, OrderedMap<AtomRow>>;
  /** Those of the atoms that expire, by when. */
  readonly expiring: OrderedMap<ExpiringRow>;
}

/** All that is stored, with its indexes. Every method keeps them in step with one another. */
export class Memory {
  readonly sessions = new SessionIndex();
  readonly users = new Map<string, StoredUser>();
  /**
   * Tombstones by session id and atom id; the nil id stands for the whole session, whose id is never used again. They
   * outlive a session that has lost all its atoms.
   */
  readonly #tombstones = new OrderedMap<OrderedMap<Tombstone>>(compareBytes);
  atomCount = 0;

  /** The session, unless there is none or `userId` is given and it belongs to someone else. */
  session(sessionId: string, userId: string | undefined): StoredSession | undefined {
    const session = this.sessions.byId.get(sessionId);
    return userId === undefined || userId === session?.head.userId ? session : undefined;
  }

  /** Creates the session, or gives it a new head. */
  setHead(head: SessionHead): StoredSession {
    const session = this.sessions.byId.get(head.sessionId);
    if (session === undefined) {
      const created = { head, atoms: new OrderedMap<AtomRow>() };
      this.sessions.add(created);
      this.#user(head.userId).sessions.add(created);
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

  /** Forgets a session and its atoms. */
  removeSession(session: StoredSession): void {
    const { userId } = session.head;
    for (const row of session.atoms.values()) this.#forgetAtom(row);
    this.sessions.remove(session);
    const user = this.#user(userId);
    user.sessions.remove(session);
    if (user.sessions.byId.isEmpty) this.users.delete(userId);
  }

  /** Forgets a user's sessions and atoms: taking a million atoms out one by one would hold the event loop for seconds. */
  removeUser(userId: string): StoredSession[] {
    const sessions = Array.from(this.users.get(userId)?.sessions.byId.values() ?? []);
    for (const session of sessions) {
      this.sessions.remove(session);
      this.atomCount -= session.head.atomCount;
    }
    this.users.delete(userId);
    return sessions;
  }

  isSessionDeleted(sessionId: string): boolean {
    return this.isAtomDeleted(sessionId, NIL_ID);
  }

  isAtomDeleted(sessionId: string, id: string): boolean {
    return this.#tombstones.get(sessionId)?.get(id) !== undefined;
  }

  /** Adds tombstones of one session, unless they are there. The one of a session stands for those of its atoms too. */
  bury(sessionId: string, ids: readonly string[], deletedAtMs: number): void {
    if (this.isSessionDeleted(sessionId)) return;
    const isWhole = ids.includes(NIL_ID);
    const buried = isWhole ? undefined : this.#tombstones.get(sessionId);
    const tombstones = buried ?? new OrderedMap<Tombstone>();
    for (const id of isWhole ? [NIL_ID] : ids) {
      if (tombstones.get(id) === undefined) tombstones.set(id, { sessionId, id, deletedAtMs });
    }
    this.#tombstones.set(sessionId, tombstones);
  }

  /** Tombstones in the order of (sessionId, id), after a key. */
  *tombstonesAfter(after: { readonly sessionId: string; readonly id: string } | undefined): Generator<Tombstone> {
    const first = after && this.#tombstones.get(after.sessionId);
    for (const [, tombstone] of first?.after(after?.id) ?? []) yield tombstone;
    for (const [, tombstones] of this.#tombstones.after(after?.sessionId)) yield* tombstones.values();
  }

  tombstonesOf(sessionId: string): OrderedMap<Tombstone> | undefined {
    return this.#tombstones.get(sessionId);
  }

  #user(userId: string): StoredUser {
    let user = this.users.get(userId);
    if (user === undefined) {
      user = { sessions: new SessionIndex(), atomsByType: new Map(), expiring: new OrderedMap() };
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
