/** The policy, options and results of `prune`, and their validation. */
import { isHistoryType, MESSAGE_TYPES, roleOf, SESSION_METADATA } from "../atom/atom.ts";
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import { invalidInput } from "../errors/errors.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { encodeText } from "../atom/serialization.ts";
import { assertAmount, assertBoolean, assertFunction, assertLimit, assertName, readList } from "../atom/validation.ts";

/**
 * The atoms that `prune` deletes, in addition to expired ones, which are always deleted.
 *
 * With both `olderThanMs` and `keepLast`, an atom is deleted only when both allow it; with neither, only expired atoms
 * are deleted. Session metadata is never pruned, and a tool call and its results are deleted or kept together.
 */
export interface RetentionPolicy {
  /**
   * Delete only atoms created longer ago than this, by their `createdAt`, in milliseconds. Default: atoms of any age.
   */
  readonly olderThanMs?: number;
  /**
   * Keep at least this many of the newest matching atoms in each session, all memory types counted together. The system
   * messages before the first other message are kept in addition. Default: 0, keep none.
   */
  readonly keepLast?: number;
  /** Only atoms of these memory types. Default: all but session metadata. */
  readonly memoryTypes?: readonly string[];
  /** Only atoms of this user; also limits the deletion of expired atoms. Default: all users. */
  readonly userId?: string;
  /** Only atoms of this session; also limits the deletion of expired atoms. Default: all sessions. */
  readonly sessionId?: string;
}

export interface PruneOptions {
  /** Stops the prune between two batches. Deleted atoms stay deleted, and the next call continues from there. */
  readonly signal?: AbortSignal;
  /** Called with the counts so far after each batch, after each page of sessions, and at the end. */
  readonly onProgress?: (progress: PruneProgress) => void;
  /**
   * The number of atoms deleted in one step, one session at a time; a tool call with more results is one step. Default:
   * 500.
   */
  readonly batchSize?: number;
  /** Counts the atoms that would be deleted, and changes nothing: the receipt then names no store. Default: false. */
  readonly dryRun?: boolean;
}

/** Counts so far. */
export interface PruneProgress {
  /** Sessions that the rule was applied to; 0 when the policy selects only expired atoms. */
  readonly sessions: number;
  /** Deleted atoms, messages included. */
  readonly atoms: number;
  readonly messages: number;
  /** The number of deleted atoms that had expired. */
  readonly expired: number;
  /** The atoms by memory type. */
  readonly atomsByType: Readonly<Record<string, number>>;
}

/** The result of a `prune` call, to keep as a record. */
export interface PruneReceipt extends PruneProgress {
  /** The start of the prune: age and expiry were computed as of this time. */
  readonly prunedAt: Date;
  /** The names of the stores that have committed each of its deletions; empty when nothing was removed. */
  readonly acceptedBy: readonly string[];
  /** The places that may still hold bytes of deleted atoms, and what removes them; empty when there are none. */
  readonly residue: readonly ErasureResidue[];
}

/** A validated policy, in the terms of the hooks. */
export interface Retention {
  readonly userId: string | undefined;
  readonly sessionId: string | undefined;
  /** Undefined when only expired atoms are deleted. */
  readonly rule: RetentionRule | undefined;
}

/** The atoms of a session to delete. */
export interface RetentionRule {
  /** Undefined for all but session metadata. */
  readonly memoryTypes: readonly string[] | undefined;
  /** Only atoms created before this time, in milliseconds since 1970. */
  readonly createdBeforeMs: number | undefined;
  readonly keepLast: number;
}

/** The earliest time that every store can hold: 4713 BC. */
const EARLIEST_MS = Date.UTC(-4712, 0);
/** Guards, because each of them narrows the deletion. */
const POLICY_FIELDS: OptionFields<RetentionPolicy> = {
  olderThanMs: "guard",
  keepLast: "guard",
  memoryTypes: "guard",
  userId: "guard",
  sessionId: "guard",
};
const PRUNE_FIELDS: OptionFields<PruneOptions> = {
  signal: "setting",
  onProgress: "setting",
  batchSize: "setting",
  dryRun: "setting",
};
const DEFAULT_BATCH_SIZE = 500;
const MAX_BATCH_SIZE = 10_000;

/** @throws {MemoryError} `invalid_input` with the path of the offending field. */
export function parseRetention(policy: RetentionPolicy, nowMs: number, path = "policy"): Retention {
  const { olderThanMs, keepLast, memoryTypes, userId, sessionId } = readRetention(policy, path);
  if (olderThanMs !== undefined) assertAmount(olderThanMs, `${path}.olderThanMs`);
  if (keepLast !== undefined && keepLast !== 0) assertLimit(keepLast, `${path}.keepLast`);
  if (userId !== undefined) assertName(userId, `${path}.userId`);
  if (sessionId !== undefined) assertName(sessionId, `${path}.sessionId`);
  const types = memoryTypes === undefined ? undefined : parseTypes(memoryTypes, `${path}.memoryTypes`);
  if (types !== undefined && olderThanMs === undefined && keepLast === undefined) {
    throw invalidInput(`${path}.memoryTypes`, "alone removes nothing; add olderThanMs or keepLast");
  }
  const createdBeforeMs = olderThanMs === undefined ? undefined : Math.max(nowMs - olderThanMs, EARLIEST_MS);
  return {
    userId: userId === undefined ? undefined : encodeText(userId),
    sessionId: sessionId === undefined ? undefined : encodeText(sessionId),
    rule:
      olderThanMs === undefined && keepLast === undefined
        ? undefined
        : { memoryTypes: types, createdBeforeMs, keepLast: keepLast ?? 0 },
  };
}

/** Copies a policy and checks its field names; the values are not checked yet. */
export function readRetention(policy: RetentionPolicy, path: string): RetentionPolicy {
  return readOptions(policy, POLICY_FIELDS, path);
}

function parseTypes(types: unknown, path: string): string[] {
  const parsed = readList(types, path, (type, typePath) => {
    assertName(type, typePath);
    if (type === SESSION_METADATA) throw invalidInput(typePath, `is ${type}, which is never pruned; leave it out`);
    return encodeText(type);
  });
  if (parsed.length === 0) throw invalidInput(path, "is empty; expected at least one type");
  return [...new Set(parsed)];
}

/** @throws {MemoryError} `invalid_input`. */
export function parsePruneOptions(
  options: PruneOptions,
): Pick<PruneOptions, "signal" | "onProgress"> & { readonly batchSize: number; readonly isDryRun: boolean } {
  const given = readOptions(options, PRUNE_FIELDS, "options");
  const { batchSize = DEFAULT_BATCH_SIZE, dryRun: isDryRun = false, ...rest } = given;
  assertBoolean(isDryRun, "options.dryRun");
  assertLimit(batchSize, "options.batchSize");
  if (batchSize > MAX_BATCH_SIZE) throw invalidInput("options.batchSize", `must be at most ${MAX_BATCH_SIZE}`);
  if (rest.onProgress !== undefined) assertFunction(rest.onProgress, "options.onProgress");
  return { ...rest, batchSize, isDryRun };
}

/** Whether a rule applies to atoms of a type. */
export function isSelected({ memoryTypes }: RetentionRule, memoryType: string): boolean {
  return memoryType !== SESSION_METADATA && (memoryTypes?.includes(memoryType) ?? true);
}

/**
 * The types to read to apply a rule; undefined for all. A rule for messages has to read all message types, because a
 * tool call and its results have different roles.
 */
export function typesToRead({ memoryTypes }: RetentionRule): readonly string[] | undefined {
  if (memoryTypes?.some((type) => roleOf(type) !== undefined) !== true) return memoryTypes;
  return [...MESSAGE_TYPES, ...memoryTypes.filter((type) => !isHistoryType(type))];
}
