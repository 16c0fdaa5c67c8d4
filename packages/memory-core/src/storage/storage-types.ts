/** The options and results of `MemoryStorage`'s public methods. */
import type { AtomClock } from "../atom/atom-id.ts";
import type { UnreadableAtom } from "../atom/atom.ts";
import type { ErasureResidue } from "./erasure-residue.ts";
import type { MemoryError } from "../errors/errors.ts";
import type { JsonObject } from "../json/json.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";
import type { OptionFields } from "../options/option-fields.ts";

/** What every backend's options have. */
export interface MemoryStorageOptions<Types extends AtomTypes = {}> {
  /** Schemas for the content of the user's own memory types. */
  atomTypes?: Types;
  /** The largest atom, in bytes of JSON. Default: 16 MiB. */
  maxAtomBytes?: number;
  /** Mints the ids. Default: the one clock of the process. */
  clock?: AtomClock;
  /** What `prune()` removes when it is given no policy of its own. Nothing is removed without a call. Default: what has expired. */
  retention?: RetentionPolicy;
  /** Called for every stored row that a read meets and cannot return as an atom. */
  onUnreadable?: (atom: UnreadableAtom) => void;
}

/** The fields that every backend's options have; a backend adds its own to them. */
export const MEMORY_STORAGE_FIELDS: OptionFields<MemoryStorageOptions<AtomTypes>> = {
  atomTypes: "setting",
  maxAtomBytes: "setting",
  clock: "setting",
  retention: "setting",
  onUnreadable: "setting",
};

export interface SaveOptions {
  /** Refuse with `conflict` if another writer changed the session since this object last read or wrote it. */
  ifUnchanged?: boolean;
}

export const SAVE_FIELDS: OptionFields<SaveOptions> = { ifUnchanged: "setting" };

export interface SaveReceipt {
  /** How many atoms were new to the store; 0 when a repeat found them all there. */
  readonly written: number;
  /** The names of the stores that have committed them. */
  readonly acceptedBy: readonly string[];
  /** Whether fewer stores, or another one than usual, accepted them. */
  readonly degraded: boolean;
  /** For a save that cleared the history: where bytes of it may still be; empty when nowhere. */
  readonly residue?: readonly ErasureResidue[];
}

export interface UserGuard {
  /** A guard: sessions and atoms of another user are as if they were not there. Left out: everybody's. Given as undefined, it is refused. */
  userId?: string;
}

export const USER_GUARD_FIELDS: OptionFields<UserGuard> = { userId: "guard" };

export interface LoadOptions extends UserGuard {
  /**
   * Read only so many of the latest messages, and besides the system messages that stand before the first other one: a
   * model needs its instructions, however long ago they were given. Default: all.
   */
  lastMessages?: number;
}

export const LOAD_FIELDS: OptionFields<LoadOptions> = { ...USER_GUARD_FIELDS, lastMessages: "setting" };

export interface SessionQuery extends UserGuard {
  /** Default: 100. */
  limit?: number;
  /** The `lastAtomId` of the last session of the page before. */
  before?: string;
}

/** A cursor may be undefined: that of the first page is. */
export const SESSION_QUERY_FIELDS: OptionFields<SessionQuery> = {
  ...USER_GUARD_FIELDS,
  limit: "setting",
  before: "setting",
};

export interface AtomQuery<Type extends string = string> extends UserGuard {
  sessionId?: string;
  memoryType?: Type | readonly Type[];
  /** Default: 100. */
  limit?: number;
  /** Only atoms before this id: the id of the last atom of the page before. */
  before?: string;
  /** Only atoms after this id. Without `before`, the page is the one next to it. */
  after?: string;
}

const ATOM_FILTER_FIELDS = { ...USER_GUARD_FIELDS, sessionId: "guard", memoryType: "guard" } as const;

export const ATOM_QUERY_FIELDS: OptionFields<AtomQuery> = {
  ...ATOM_FILTER_FIELDS,
  limit: "setting",
  before: "setting",
  after: "setting",
};

export interface AtomStreamQuery<Type extends string = string> extends UserGuard {
  sessionId?: string;
  memoryType?: Type | readonly Type[];
  /** Takes the rows that cannot be read. Without it, and without the storage's, the stream throws at its end. */
  onUnreadable?: (atom: UnreadableAtom) => void;
}

export const ATOM_STREAM_FIELDS: OptionFields<AtomStreamQuery> = { ...ATOM_FILTER_FIELDS, onUnreadable: "setting" };

export interface SessionSummary {
  readonly sessionId: string;
  readonly userId: string;
  readonly createdAt: Date;
  readonly lastActive: Date;
  /** The greatest atom id: the cursor for the next page. */
  readonly lastAtomId: string;
  readonly messageCount: number;
  readonly metadata: JsonObject;
  /** Why the metadata could not be read; absent when they could. */
  readonly unreadable?: MemoryError;
}

/** What `deleteUser` erased, to keep as a record. */
export interface ErasureReceipt {
  readonly userId: string;
  readonly sessions: number;
  /** All atoms, messages included. */
  readonly atoms: number;
  readonly messages: number;
  readonly erasedAt: Date;
  readonly acceptedBy: readonly string[];
  /** Where bytes of it may still be, and what ends that; empty when nowhere. */
  readonly residue: readonly ErasureResidue[];
}
