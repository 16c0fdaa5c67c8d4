/**
 * The interface between `MemoryStorage` and its backends. Its values are validated and serialised; backends check
 * nothing again.
 */
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import type { AtomRow } from "./atom-row.ts";
import type { SessionHead } from "./head.ts";
import type { Message } from "../message/message.ts";
import type { Removed } from "./removed.ts";

/** Rows to insert, all or nothing. Sorted by (sessionId, id), without duplicate ids. */
export interface AtomWrite {
  readonly rows: readonly AtomRow[];
  /** Set when a `Session` is saved: all rows are of this session, and the result carries its `historyXor`. */
  readonly session?: SessionWrite | undefined;
}

/** The messages to delete when the history of a session is cleared; see `isCleared`. */
export interface ClearedIds {
  /** Delete the messages up to and including this id, in the same step, before the insert. */
  readonly clearThroughId?: string | undefined;
  /**
   * Delete these messages too; set only together with `clearThroughId`. A process with a wrong clock gave them ids
   * ahead of the current time, so they sort after new messages, which are kept.
   */
  readonly clearAhead?: IdRange | undefined;
}

/** The ids after `afterId`, up to and including `throughId`. */
export interface IdRange {
  readonly afterId: string;
  readonly throughId: string;
}

export interface SessionWrite extends ClearedIds {
  readonly sessionId: string;
  readonly userId: string;
  /** The version of the history when the session last read or wrote it; the nil UUID if it was not stored. */
  readonly knownHistoryXor?: string | undefined;
  /** The atoms that determined the metadata when the session last read them: JSON text as in `SessionHead`. */
  readonly knownMetadataIds?: string | undefined;
  /**
   * Refuse with `conflict` unless `isHistoryUnchanged` confirms that this was the version of the history before the
   * write. A write that changes nothing, such as a repeat after a lost reply, is not a conflict.
   */
  readonly expectedHistoryXor?: string | undefined;
}

export interface AtomWriteResult {
  /** The number of new rows. */
  readonly written: number;
  /** The names of the stores that have committed the write. */
  readonly acceptedBy: readonly string[];
  /** Whether fewer stores than usual, or a different one, accepted it. */
  readonly degraded: boolean;
  /** For a `session` write: the version of its history now; undefined when the store lacks part of the history. */
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
  /**
   * Only atoms that have not expired by then, in milliseconds since 1970. Undefined: all stored atoms, as replication
   * needs.
   */
  readonly unexpiredAtMs?: number | undefined;
  /** Only atoms created before then, in milliseconds since 1970. */
  readonly createdBeforeMs?: number | undefined;
  readonly order: "newest-first" | "oldest-first";
  readonly limit: number;
}

/** A page of expired atoms, in the order of (expiresAtMs, sessionId, id). */
export interface ExpiredSelection {
  /** The time by which they have expired, in milliseconds since 1970. */
  readonly atMs: number;
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly after?: ExpiredAtom | undefined;
  readonly limit: number;
}

/** The fields of an expired atom that its removal needs. */
export interface ExpiredAtom extends AtomKey {
  readonly memoryType: string;
  readonly expiresAtMs: number;
}

export interface SessionSelection {
  readonly sessionId: string;
  /** Guard: a session of another user is not found. */
  readonly userId?: string | undefined;
  /** Only the last `lastMessages` messages, plus the system messages before the first other message. */
  readonly lastMessages?: number | undefined;
  /** Only messages from this id on, inclusive, plus the system messages before the first other message. */
  readonly fromId?: string | undefined;
}

/** A page of sessions: most recent first, before an atom id; or by ascending session id, after a session id. */
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

/** A message row without the fields that the head of its session already has. */
export type MessageRow = Pick<AtomRow, "id" | "memoryType" | "content" | "metadata" | "createdAtMs">;

/** A message as a backend returns it: its row, or the message that `messageOf` decoded from the row on arrival. */
export type StoredMessage = Message | MessageRow;

/** A session with messages in id order. */
export interface SessionRow {
  readonly head: SessionHead;
  readonly messages: readonly StoredMessage[];
  /** Stores that could not be reached and may hold more of the session. Default: none. */
  readonly unreachable?: readonly string[] | undefined;
}

/** Reads the rows of a store; see the hooks of `MemoryStorage` of the same names. */
export interface RowReader {
  selectSession(selection: SessionSelection): Promise<SessionRow | undefined>;
  selectHeads(selection: HeadSelection): Promise<readonly SessionHead[]>;
  selectAtoms(selection: AtomSelection): Promise<readonly AtomRow[]>;
}

/** The scope of a permanent deletion. `userId` is a guard: data of another user is treated as absent. */
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

/** The key of an atom: its id is unique in its session. */
export type AtomKey = Pick<AtomRow, "sessionId" | "id">;

/** The key of a tombstone: tombstones of several owners may have the same id. */
export interface TombstoneKey extends AtomKey {
  /**
   * The owner of the atoms that it concerns: `ownerOf` the user, or `UNKNOWN_OWNER`, whose tombstones concern all
   * users.
   */
  readonly owner: string;
}

/**
 * A deletion as a fact that stores replicate. It concerns only the atoms of its owner, and contains no user id. A nil
 * UUID as id stands for the whole session, and replaces every other tombstone of this owner in the session.
 */
export interface Tombstone extends TombstoneKey {
  /** Milliseconds since 1970. */
  readonly deletedAtMs: number;
}

/** A page of tombstones, in the order of (sessionId, id, owner): UTF-8 bytes, and ids and owners ascending. */
export interface TombstoneSelection {
  /** Only tombstones of this session. */
  readonly sessionId?: string | undefined;
  readonly after?: TombstoneKey | undefined;
  readonly limit: number;
}

/**
 * Atoms and tombstones of one store that another may lack. Each list is sorted by (sessionId, id), tombstones of one id
 * by owner, without duplicates.
 */
export interface Facts {
  readonly rows: readonly AtomRow[];
  readonly tombstones: readonly Tombstone[];
}

/** The changes that merged facts made in a store. */
export interface Merged {
  /** The number of new atoms. */
  readonly inserted: number;
  /** The number of atoms that tombstones removed. */
  readonly removed: number;
}

/** The bounds of a page of a journal. Sizes are the bytes of content and metadata. */
export interface JournalBounds {
  /** Larger rows are left out. */
  readonly mostRowBytes?: number;
  /** Rows of this size or smaller are left out. */
  readonly aboveRowBytes?: number;
  /** The limit for all rows together, except that the first row is always included. */
  readonly mostBytes?: number;
}

/** The backlog of a journal for one store. */
export interface JournalBacklog {
  readonly store: string;
  readonly atoms: number;
  /** The size of their content and metadata. */
  readonly bytes: number;
  /** The least id among them, which contains the time of the oldest; undefined when the backlog is empty. */
  readonly oldestId: string | undefined;
}

/** The atoms of a journal that belong to a session, to a user, or to a session of a user. */
export interface JournalScope {
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
}

/**
 * The outbox of a store: atoms that are to be delivered to other stores. A journal holds each atom until every other
 * store has it. Several processes may append, send and settle at the same time.
 */
export interface AtomJournal {
  /**
   * Appends rows for all stores, all or nothing and idempotently.
   *
   * @returns the number of new rows.
   */
  append(rows: readonly AtomRow[]): Promise<number>;
  /**
   * The next rows that a store lacks, in the order of (sessionId, id), after a key.
   *
   * @param bounds Default: rows of any size.
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
   * Records that a store now has these atoms. Atoms that all stores have are removed from the journal.
   *
   * @param others The other stores.
   */
  settle(store: string, others: readonly string[], atoms: readonly AtomKey[]): Promise<void>;
  /**
   * The next rows of a scope that at least one store lacks, in the order of (sessionId, id), after a key.
   *
   * @param limit The maximum number of rows; fewer are returned if they are large.
   */
  held(scope: JournalScope, after: AtomKey | undefined, limit: number): Promise<readonly AtomRow[]>;
  /** Removes deleted atoms from the journal: they are no longer delivered to any store. */
  discard(atoms: readonly AtomKey[]): Promise<void>;
  /**
   * Removes the bytes of atoms that are no longer held from the journal's files, as far as is possible now.
   *
   * @returns the places that may still hold some of them.
   */
  finishErasure?(): Promise<readonly ErasureResidue[]>;
}
