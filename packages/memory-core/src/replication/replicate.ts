import { MemoryError } from "../errors/errors.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { encodeText, shownText } from "../atom/serialization.ts";
import type { MemoryStorage } from "../storage/storage.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";
import { assertName } from "../atom/validation.ts";
import type { RefusedAtom } from "./courier.ts";
import { reconcile, type ReconcileProgress } from "./reconcile.ts";

export interface ReplicateOptions {
  /** Only the atoms and deletions of this user. Default: all users. */
  userId?: string;
  /** Whether deletions are copied too; they delete the target's atoms. Default: true. */
  deletions?: boolean;
  /** Stops the copy between two steps; a repeated call continues from there. */
  signal?: AbortSignal;
  /** Called with the counts so far, occasionally and at the end. */
  onProgress?: (progress: ReplicateProgress) => void;
  /**
   * Called for each atom that the target refuses, because it has other content under the same id or the session belongs
   * to another user there. Default: the copy continues, and throws at its end.
   */
  onRefused?: (refused: RefusedCopy) => void;
}

const REPLICATE_FIELDS: OptionFields<ReplicateOptions> = {
  userId: "guard",
  deletions: "setting",
  signal: "setting",
  onProgress: "setting",
  onRefused: "setting",
};

/** Counts so far. */
export interface ReplicateProgress {
  /** Sessions in which the two storages differed. */
  readonly sessions: number;
  /** Atoms that were copied. */
  readonly copied: number;
  /** Atoms of the target that the source has deleted. */
  readonly removed: number;
}

export interface RefusedCopy {
  readonly sessionId: string;
  readonly id: string;
  readonly error: MemoryError;
}

/**
 * Copies the facts of a storage into another, of any backend: atoms of every kind, with their ids and times, and
 * deletions, which win over the target's atoms of the same users. Facts that only the target has are kept.
 *
 * Guarantees: idempotent; the source is only read; an interrupted copy keeps what was copied, and the next call
 * continues from there; constant memory; little time when both storages are nearly equal.
 *
 * @throws {MemoryError} `invalid_input`; `conflict` or `permission` at the end, when the target refused atoms and no
 *   `onRefused` takes them; the errors of both storages; and the reason of the abort signal.
 * @example
 * const { copied } = await replicate(new SQLiteStorage("agent.db"), new PostgresMemoryStorage());
 */
export async function replicate<Source extends AtomTypes, Target extends AtomTypes>(
  source: MemoryStorage<Source>,
  target: MemoryStorage<Target>,
  options: ReplicateOptions = {},
): Promise<ReplicateProgress> {
  const { userId: user, deletions, signal, onProgress, onRefused } = readOptions(options, REPLICATE_FIELDS, "options");
  if (user !== undefined) assertName(user, "options.userId");
  const userId = user === undefined ? undefined : encodeText(user);
  const counts = ({ sessions, copied, removed }: ReconcileProgress): ReplicateProgress => ({
    sessions,
    copied,
    removed,
  });
  let refusedCount = 0;
  let firstRefused: RefusedCopy | undefined;
  const take = (_: string, { row, error }: RefusedAtom): void => {
    const refused = { sessionId: shownText(row.sessionId), id: row.id, error };
    refusedCount += 1;
    firstRefused ??= refused;
    onRefused?.(refused);
  };
  const progress = await reconcile(source.replica, target.replica, {
    filter: { userId, deletions },
    isBothWays: false,
    signal,
    onProgress: (now) => onProgress?.(counts(now)),
    onRefused: take,
  });
  if (firstRefused !== undefined && onRefused === undefined) throw refusedAtoms(refusedCount, firstRefused);
  return counts(progress);
}

function refusedAtoms(count: number, { sessionId, id, error }: RefusedCopy): MemoryError {
  return new MemoryError({
    code: error.code,
    message: `the target refused ${count} atoms, and everything else was copied; the first: ${error.message}. Pass onRefused to receive them instead of this error`,
    operation: "replicate",
    sessionId,
    atomId: id,
    cause: error,
  });
}
