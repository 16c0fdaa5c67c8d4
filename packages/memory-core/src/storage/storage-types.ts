/** The options and results of `MemoryStorage`'s public methods. */
import type { AtomClock } from "../atom/atom-id.ts";
import type { UnreadableAtom } from "../atom/atom.ts";
import type { ErasureResidue } from "./erasure-residue.ts";
import type { MemoryError } from "../errors/errors.ts";
import type { JsonObject } from "../json/json.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";
import type { OptionFields } from "../options/option-fields.ts";

/** The options of every backend. */
export interface MemoryStorageOptions<Types extends AtomTypes = {}> {
  /** Schemas for the content of the user's own memory types. */
  atomTypes?: Types;
  /** The largest atom, in bytes of JSON. Default: 16 MiB. */
  maxAtomBytes?: number;
  /** Creates the ids. Default: the one clock of the process. */
  clock?: AtomClock;
  /**
   * The policy of `prune()` when it is called without one. Nothing is removed without a call. Default: expired atoms
   * only.
   */
  retention?: RetentionPolicy;
  /** Called for every stored row that a read finds and cannot return as an atom. */
  onUnreadable?: (atom: UnreadableAtom) => void;
}

/** The option fields of every backend; a backend adds its own. */
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
  /** The number of atoms that were new to the store; 0 for a repeat of a save that succeeded. */
  readonly written: number;
  /** The names of the stores that have committed them. */
  readonly acceptedBy: readonly string[];
  /** Whether fewer stores than usual, or a different one, accepted them. */
  readonly degraded: boolean;
  /** For a save that cleared the history: the places that may still hold its bytes; empty when there are none. */
  readonly residue?: readonly ErasureResidue[];
}

export interface UserGuard {
  /**
   * A guard: sessions and atoms of another user are treated as absent. Left out: all users. An explicit undefined is
   * refused.
   */
  userId?: string;
}

export const USER_GUARD_FIELDS: OptionFields<UserGuard> = { userId: "guard" };

export interface LoadOptions extends UserGuard {
  /**
   * Read only this many of the latest messages, plus the system messages before the first other message: a model needs
   * its instructions, however old they are. Default: all.
   */
  lastMessages?: number;
}

export const LOAD_FIELDS: OptionFields<LoadOptions> = { ...USER_GUARD_FIELDS, lastMessages: "setting" };

export interface SessionQuery extends UserGuard {
  /** Default: 100. */
  limit?: number;
  /** The `lastAtomId` of the last session of the previous page. */
  before?: string;
}

/** A cursor may be undefined, as it is for the first page. */
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
  /** Only atoms before this id: the id of the last atom of the previous page. */
  before?: string;
  /** Only atoms after this id. Without `before`, the page starts next to it. */
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
  /**
   * Called for rows that cannot be read. Without it, and without the storage's `onUnreadable`, the stream throws at its
   * end.
   */
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
  /** The reason why the metadata could not be read; absent when it could. */
  readonly unreadable?: MemoryError;
}

/** The result of `deleteUser`, to keep as a record. */
export interface ErasureReceipt {
  readonly userId: string;
  readonly sessions: number;
  /** All atoms, messages included. */
  readonly atoms: number;
  readonly messages: number;
  readonly erasedAt: Date;
  readonly acceptedBy: readonly string[];
  /** The places that may still hold erased bytes, and what removes them; empty when there are none. */
  readonly residue: readonly ErasureResidue[];
}
