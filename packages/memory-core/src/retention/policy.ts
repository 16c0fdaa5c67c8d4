/** What `prune` is asked for, checked, and what it answers. */
import { isHistoryType, MESSAGE_TYPES, roleOf, SESSION_METADATA } from "../atom/atom.ts";
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import { invalidInput } from "../errors/errors.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { encodeText } from "../atom/serialization.ts";
import { assertAmount, assertBoolean, assertFunction, assertLimit, assertName, readList } from "../atom/validation.ts";

/**
 * Which atoms `prune` removes beside those that have expired, which always go.
 *
 * With `olderThanMs` and `keepLast` an atom goes only when both let it go; with neither, only what has expired goes.
 * Session metadata are never pruned, and a tool call and its results go together or stay together.
 */
export interface RetentionPolicy {
  /** Atoms that were created longer ago than this, by their `createdAt`, in milliseconds. Default: of any age. */
  readonly olderThanMs?: number;
  /**
   * Not the newest so many atoms of the memory types, all types together, in each session; nor, besides, the system messages
   * that stand before its first other message. Default: 0, none of them.
   */
  readonly keepLast?: number;
  /** Only atoms of these memory types. Default: all but session metadata. */
  readonly memoryTypes?: readonly string[];
  /** Only what belongs to this user; also what has expired. Default: everybody's. */
  readonly userId?: string;
  /** Only what is in this session; also what has expired. Default: in any. */
  readonly sessionId?: string;
}

export interface PruneOptions {
  /** Ends it between two batches; what was removed stays removed, and the next call goes on from there. */
  readonly signal?: AbortSignal;
  /** Told after each batch, after each page of sessions, and at the end, of what was done until then. */
  readonly onProgress?: (progress: PruneProgress) => void;
  /** How many atoms are removed in one step, one session at a time; a tool call with more results is one step. Default: 500. */
  readonly batchSize?: number;
  /** Counts what would go, and changes nothing: the receipt then names no store. Default: false. */
  readonly dryRun?: boolean;
}

/** Counts until now. */
export interface PruneProgress {
  /** Sessions that were looked at for what is too old or too much; 0 when the policy asks only for what has expired. */
  readonly sessions: number;
  /** Atoms that were removed, messages included. */
  readonly atoms: number;
  readonly messages: number;
  /** How many of the atoms had expired. */
  readonly expired: number;
  /** The atoms by memory type. */
  readonly atomsByType: Readonly<Record<string, number>>;
}

/** What a call of `prune` removed, to keep as a record. */
export interface PruneReceipt extends PruneProgress {
  /** When it began: age and expiry were judged as of this time. */
  readonly prunedAt: Date;
  /** The names of the stores that have committed each of its deletions; empty when nothing was removed. */
  readonly acceptedBy: readonly string[];
  /** Where bytes of what was removed may still be, and what ends that; empty when nowhere. */
  readonly residue: readonly ErasureResidue[];
}

/** A policy, checked, in the terms of the hooks. */
export interface Retention {
  readonly userId: string | undefined;
  readonly sessionId: string | undefined;
  /** Undefined when only what has expired goes. */
  readonly rule: RetentionRule | undefined;
}

/** What goes of a session. */
export interface RetentionRule {
  /** Undefined for all but session metadata. */
  readonly memoryTypes: readonly string[] | undefined;
  /** Only what was created before this time, in milliseconds since 1970. */
  readonly createdBeforeMs: number | undefined;
  readonly keepLast: number;
}

/** The earliest time that every store can hold: 4713 BC. */
const EARLIEST_MS = Date.UTC(-4712, 0);
/** Each of them narrows what is erased. */
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
    throw invalidInput(`${path}.memoryTypes`, "says of what, but neither olderThanMs nor keepLast says how much goes");
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

/** A copy of a policy whose fields are known, and not yet checked. */
export function readRetention(policy: RetentionPolicy, path: string): RetentionPolicy {
  return readOptions(policy, POLICY_FIELDS, path);
}

function parseTypes(types: unknown, path: string): string[] {
  const parsed = readList(types, path, (type, typePath) => {
    assertName(type, typePath);
    if (type === SESSION_METADATA) throw invalidInput(typePath, `is ${type}, which is never pruned`);
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

/** Whether a rule is about atoms of a type. */
export function isSelected({ memoryTypes }: RetentionRule, memoryType: string): boolean {
  return memoryType !== SESSION_METADATA && (memoryTypes?.includes(memoryType) ?? true);
}

/**
 * The types that have to be read to apply a rule, undefined for all: which messages may go depends on all of them, as a
 * tool call and its results are of different roles.
 */
export function typesToRead({ memoryTypes }: RetentionRule): readonly string[] | undefined {
  if (memoryTypes?.some((type) => roleOf(type) !== undefined) !== true) return memoryTypes;
  return [...MESSAGE_TYPES, ...memoryTypes.filter((type) => !isHistoryType(type))];
}
