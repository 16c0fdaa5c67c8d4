import { MemoryError } from "../errors/errors.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { encodeText, shownText } from "../atom/serialization.ts";
import type { MemoryStorage } from "../storage/storage.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";
import { assertName } from "../atom/validation.ts";
import type { RefusedAtom } from "./courier.ts";
import { reconcile, type ReconcileProgress } from "./reconcile.ts";

export interface ReplicateOptions {
  /** Only what is this user's: their atoms, and what they deleted. Default: everybody's. */
  userId?: string;
  /** Whether deletions are copied, which remove what the target has. Default: true. */
  deletions?: boolean;
  /** Ends the copy between two steps; repeated, it goes on where it was. */
  signal?: AbortSignal;
  /** Told now and then, and at the end, of what was done until then. */
  onProgress?: (progress: ReplicateProgress) => void;
  /**
   * Told of each atom that the target refuses because it holds other content under the same id, or the session belongs to
   * another user there. Default: the copy goes on, and throws at its end.
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

/** Counts until now. */
export interface ReplicateProgress {
  /** Sessions in which the two differed. */
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
 * Copies what a storage holds into another, of whatever backend: atoms of every kind, with their ids and times, and
 * deletions, which win over what the target has of the same users. What only the target has stays.
 *
 * Guarantees: idempotent; the source is only read; what was copied stays when it is interrupted, and the next call goes on
 * from there; it takes constant memory, and where both hold nearly the same, little time.
 *
 * @throws {MemoryError} `invalid_input`; `conflict` or `permission` at the end, when the target refused atoms and nobody takes them; what
 *   either storage throws; and the signal's reason.
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
    message: `everything was copied but ${count} atoms, which the target refused; the first: ${error.message}. Pass onRefused to take them`,
    operation: "replicate",
    sessionId,
    atomId: id,
    cause: error,
  });
}
