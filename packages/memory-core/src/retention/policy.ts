/** What `prune` is asked for, checked, and what it answers. */
import { isHistoryType, MESSAGE_TYPES, roleOf, SESSION_METADATA } from "../atom.ts";
import { invalidInput } from "../errors.ts";
import { encodeText } from "../serialization.ts";
import { assertAmount, assertLimit, assertName, assertOptions } from "../validation.ts";

/**
 * Which atoms `prune` removes beside those that have expired, which always go.
 *
 * With `olderThanMs` and `keepLast` an atom goes only when both let it go; with neither, only what has expired goes.
 * Session metadata are never pruned, and a tool call and its results go together or stay together.
 */
export interface RetentionPolicy {
  /** Atoms that were created longer ago than this, by their `createdAt`, in milliseconds. Default: of any age. */
  readonly olderThanMs?: number;
  /** Not the newest so many atoms of the memory types, all types together, in each session. Default: 0. */
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
const FIELDS: ReadonlySet<string> = new Set(["olderThanMs", "keepLast", "memoryTypes", "userId", "sessionId"]);
const DEFAULT_BATCH_SIZE = 500;
const MAX_BATCH_SIZE = 10_000;

/** @throws {MemoryError} `invalid_input` with the path of the offending field. */
export function parseRetention(policy: RetentionPolicy, nowMs: number, path = "policy"): Retention {
  assertOptions(policy, path);
  // A misspelt limit would let everything go.
  for (const field of Object.keys(policy)) {
    if (!FIELDS.has(field))
      throw invalidInput(`${path}.${field}`, `is no field of a retention policy: ${[...FIELDS].join(", ")}`);
  }
  const { olderThanMs, keepLast, memoryTypes, userId, sessionId } = policy;
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

function parseTypes(types: unknown, path: string): string[] {
  if (!Array.isArray(types) || types.length === 0) throw invalidInput(path, "must be an array of at least one type");
  return [...new Set<unknown>(types)].map((type, index) => {
    assertName(type, `${path}[${index}]`);
    if (type === SESSION_METADATA) throw invalidInput(`${path}[${index}]`, `is ${type}, which is never pruned`);
    return encodeText(type);
  });
}

/** @throws {MemoryError} `invalid_input`. */
export function parseBatchSize({ batchSize = DEFAULT_BATCH_SIZE }: PruneOptions): number {
  assertLimit(batchSize, "options.batchSize");
  if (batchSize > MAX_BATCH_SIZE) throw invalidInput("options.batchSize", `must be at most ${MAX_BATCH_SIZE}`);
  return batchSize;
}

/** @throws {MemoryError} `invalid_input`. */
export function parseDryRun({ dryRun = false }: PruneOptions): boolean {
  if (typeof dryRun !== "boolean") throw invalidInput("options.dryRun", "must be true or false");
  return dryRun;
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
