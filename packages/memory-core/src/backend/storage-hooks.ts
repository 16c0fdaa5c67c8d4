/** What `MemoryStorage` and its backends say to each other: validated, serialised, free of anything to decide again. */
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import type { AtomRow } from "./atom-row.ts";
import type { SessionHead } from "./head.ts";
import type { Message } from "../message/message.ts";
import type { Removed } from "./removed.ts";

/** Rows to insert, all or nothing. Sorted by (sessionId, id), no id twice. */
export interface AtomWrite {
  readonly rows: readonly AtomRow[];
  /** Set when a `Session` is saved: all rows are of this session, and the result carries its `historyXor`. */
  readonly session?: SessionWrite | undefined;
}

/** Which messages of a session go when its history is cleared; see `isCleared`. */
export interface ClearedIds {
  /** Delete the messages up to and including this id, in the same step and before the insert. */
  readonly clearThroughId?: string | undefined;
  /**
   * Delete these messages too; set only together with `clearThroughId`. Their ids are ahead of the clock, as a process with a
   * wrong clock left them: they sort after new messages, which stay.
   */
  readonly clearAhead?: IdRange | undefined;
}

/** Ids after one, up to and including another. */
export interface IdRange {
  readonly afterId: string;
  readonly throughId: string;
}

export interface SessionWrite extends ClearedIds {
  readonly sessionId: string;
  readonly userId: string;
  /** The version of the history as the session last read or wrote it: the nil UUID when it was not there. */
  readonly knownHistoryXor?: string | undefined;
  /** Which atoms had decided the metadata when the session last read them: JSON text as in `SessionHead`. */
  readonly knownMetadataIds?: string | undefined;
  /**
   * Refuse with `conflict` unless `isHistoryUnchanged` says that this was the history's version before the write. A write
   * that changes nothing, as a repeat after a lost reply, is no conflict.
   */
  readonly expectedHistoryXor?: string | undefined;
}

export interface AtomWriteResult {
  /** How many rows were new. */
  readonly written: number;
  /** The names of the stores that have committed the write. */
  readonly acceptedBy: readonly string[];
  /** Whether fewer stores, or another one than usual, accepted it. */
  readonly degraded: boolean;
  /** For a `session` write: the version of its history now; undefined when the store has not got all of it. */
  readonly historyXor?: string | undefined;
}

/** A page of atoms. Every filter that is set must hold. */
export interface AtomSelection {
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
  /** Undefined means any type. */
  readonly memoryTypes?: readonly string[] | undefined;
  /** Only these; set only together with `sessionId`. */
  readonly ids?: readonly string[] | undefined;
  /** Exclusive bounds. */
  readonly beforeId?: string | undefined;
  readonly afterId?: string | undefined;
  /** Only what has not expired by then, in milliseconds since 1970. Undefined: whatever is stored, as replication moves it. */
  readonly unexpiredAtMs?: number | undefined;
  /** Only what was created before then, in milliseconds since 1970. */
  readonly createdBeforeMs?: number | undefined;
  readonly order: "newest-first" | "oldest-first";
  readonly limit: number;
}

/** A page of atoms that have expired, in the order of (expiresAtMs, sessionId, id). */
export interface ExpiredSelection {
  /** By when, in milliseconds since 1970. */
  readonly atMs: number;
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly after?: ExpiredAtom | undefined;
  readonly limit: number;
}

/** An atom that has expired, as much of it as its removal needs. */
export interface ExpiredAtom extends AtomKey {
  readonly memoryType: string;
  readonly expiresAtMs: number;
}

export interface SessionSelection {
  readonly sessionId: string;
  /** Guard: a session of someone else is not found. */
  readonly userId?: string | undefined;
  /** Only the last so many messages, and besides the system messages that stand before the first other one. */
  readonly lastMessages?: number | undefined;
  /** Only messages from this id on, inclusive, and besides the system messages that stand before the first other one. */
  readonly fromId?: string | undefined;
}

/** A page of sessions: most recent first and before an atom id, or by ascending session id and after one. */
export type HeadSelection =
  | {
      readonly order: "recent-first";
      readonly userId?: string | undefined;
      readonly beforeId?: string | undefined;
      readonly limit: number;
    }
  | {
      readonly order: "session-id";
      readonly userId?: string | undefined;
      readonly afterSessionId?: string | undefined;
      readonly limit: number;
    };

/** A message of a session whose head says the rest. */
export type MessageRow = Pick<AtomRow, "id" | "memoryType" | "content" | "metadata" | "createdAtMs">;

/** A message as a backend gives it: its row, or what `messageOf` made of that when it arrived. */
export type StoredMessage = Message | MessageRow;

/** A session with messages in id order. */
export interface SessionRow {
  readonly head: SessionHead;
  readonly messages: readonly StoredMessage[];
  /** Stores that could not be asked and may hold more of it. Default: none. */
  readonly unreachable?: readonly string[] | undefined;
}

/** What a store holds, as its backend reads it: see the hooks of `MemoryStorage` of the same names. */
export interface RowReader {
  selectSession(selection: SessionSelection): Promise<SessionRow | undefined>;
  selectHeads(selection: HeadSelection): Promise<readonly SessionHead[]>;
  selectAtoms(selection: AtomSelection): Promise<readonly AtomRow[]>;
}

/** What to delete for good. `userId` guards: what belongs to someone else is as if it were not there. */
export type Deletion =
  | {
      readonly scope: "atoms";
      readonly sessionId: string;
      readonly userId?: string | undefined;
      readonly ids: readonly string[];
    }
  | { readonly scope: "session"; readonly sessionId: string; readonly userId?: string | undefined }
  | { readonly scope: "user"; readonly userId: string };

export interface DeletionResult extends Removed {
  /** The names of the stores that have committed the deletion. */
  readonly acceptedBy: readonly string[];
}

/** Which atom: an id is unique in its session. */
export type AtomKey = Pick<AtomRow, "sessionId" | "id">;

/** Which tombstone: those of several owners may name one id. */
export interface TombstoneKey extends AtomKey {
  /** Whose atoms it concerns: `ownerOf` the user, or `UNKNOWN_OWNER`, whose tombstones concern everybody's. */
  readonly owner: string;
}

/**
 * A deletion, as a fact that stores tell one another. It concerns the atoms of its owner alone, and holds no user id. The nil UUID
 * as id stands for the whole session, and for every other tombstone of this owner in it.
 */
export interface Tombstone extends TombstoneKey {
  /** Milliseconds since 1970. */
  readonly deletedAtMs: number;
}

/** A page of tombstones, in the order of (sessionId, id, owner): UTF-8 bytes, and ids and owners ascending. */
export interface TombstoneSelection {
  /** Only those of one session. */
  readonly sessionId?: string | undefined;
  readonly after?: TombstoneKey | undefined;
  readonly limit: number;
}

/**
 * Atoms and deletions of one store that another may lack. Each list sorted by (sessionId, id), tombstones of one id by
 * their owners, nothing twice.
 */
export interface Facts {
  readonly rows: readonly AtomRow[];
  readonly tombstones: readonly Tombstone[];
}

/** What facts changed in a store. */
export interface Merged {
  /** Atoms that were new. */
  readonly inserted: number;
  /** Atoms that tombstones removed. */
  readonly removed: number;
}

/** Which rows of a journal a page has. Sizes are the bytes of content and metadata. */
export interface JournalBounds {
  /** Rows that are larger are left out. */
  readonly mostRowBytes?: number;
  /** Rows that are not larger are left out. */
  readonly aboveRowBytes?: number;
  /** Of all rows together, but for the first. */
  readonly mostBytes?: number;
}

/** The backlog of a journal for one store. */
export interface JournalBacklog {
  readonly store: string;
  readonly atoms: number;
  /** Of their content and metadata. */
  readonly bytes: number;
  /** The least id among them, which has the time of the oldest; undefined when there is none. */
  readonly oldestId: string | undefined;
}

/** Atoms of a journal: all of a session, or of a user, or of a user's session. */
export interface JournalScope {
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
}

/**
 * Atoms that are on their way to other stores. A store that keeps a journal holds each of them until every other store has
 * it; several processes may append, send and settle at the same time.
 */
export interface AtomJournal {
  /**
   * Takes rows for all stores, all or nothing and idempotently.
   *
   * @returns how many were new.
   */
  append(rows: readonly AtomRow[]): Promise<number>;
  /**
   * The next rows that a store has not got, in the order of (sessionId, id), after a key.
   *
   * @param bounds default: rows of any size.
   */
  pending(
    store: string,
    after: AtomKey | undefined,
    limit: number,
    bounds?: JournalBounds,
  ): Promise<readonly AtomRow[]>;
  /** The backlog of each of the stores. */
  backlog(stores: readonly string[]): Promise<readonly JournalBacklog[]>;
  /**
   * A store has these atoms now; what all have is no longer held.
   *
   * @param others the other stores.
   */
  settle(store: string, others: readonly string[], atoms: readonly AtomKey[]): Promise<void>;
  /**
   * The next rows of a scope that some store has not got, in the order of (sessionId, id), after a key.
   *
   * @param limit the most rows; fewer come where they are large.
   */
  held(scope: JournalScope, after: AtomKey | undefined, limit: number): Promise<readonly AtomRow[]>;
  /** These atoms are wanted nowhere any more, as they were deleted: no store is brought them. */
  discard(atoms: readonly AtomKey[]): Promise<void>;
  /**
   * Removes the bytes of what is no longer held from the journal's files, as far as that can be done now.
   *
   * @returns where some of them may still be.
   */
  finishErasure?(): Promise<readonly ErasureResidue[]>;
}
