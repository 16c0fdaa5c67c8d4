import { assertNodeVersion, nodeVersion } from "./storage/node-version.ts";

export {
  AtomClock,
  atomIdTimeMs,
  isAtomId,
  judgeAtomId,
  lastIdWithinLead,
  MAX_ID_LEAD_MS,
  NIL_ID,
  type AtomClockOptions,
} from "./atom/atom-id.ts";
export { compareRows, isSameAtom, messageOf } from "./atom/atom-codec.ts";
export {
  isHistoryType,
  MESSAGE_TYPES,
  roleOf,
  SESSION_METADATA,
  type AtomList,
  type MemoryAtom,
  type NewMemoryAtom,
  type UnreadableAtom,
} from "./atom/atom.ts";
export type { BackendLoaders, BackendName, OpenStorageOptions } from "./storage/backend-package.ts";
export { clearedBounds, isCleared } from "./session/cleared-ids.ts";
export { contextWindow, type ContextOptions } from "./message/context-window.ts";
export type { ErasureResidue } from "./storage/erasure-residue.ts";
export {
  MemoryError,
  withContext,
  type MemoryErrorCode,
  type MemoryErrorInit,
  type WriteOutcome,
} from "./errors/errors.ts";
export { toAISDKPrompt, type AISDKMessage, type AISDKPrompt } from "./message/formats/ai-sdk.ts";
export { toLangChainMessages, type LangChainMessage } from "./message/formats/langchain.ts";
export { toOpenAIMessages, type OpenAIMessage } from "./message/formats/openai.ts";
export { assertMayEnter, HOLDS_FORGED_ESCAPE, refusedFact } from "./backend/fact-admission.ts";
export {
  headAfterDelete,
  headAfterInsert,
  historyXorWith,
  type AtomsLeft,
  type DeletedAtom,
  type SessionHead,
} from "./backend/head.ts";
export { hexDigitAt, idOfWords, xorIds } from "./backend/id-xor.ts";
export type { JsonObject, JsonValue } from "./json/json.ts";
export type { MetadataProjection } from "./backend/metadata-projection.ts";
export { MessageHistory, type MessageSelection } from "./session/message-history.ts";
export type {
  FileData,
  FilePart,
  ImagePart,
  Message,
  MessageContent,
  MessagePart,
  MessageRole,
  NewMessageContent,
  NewMessagePart,
  ProviderOptions,
  ProviderReference,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultOutput,
  ToolResultPart,
} from "./message/message.ts";
export { openStorage } from "./storage/open-storage.ts";
export { readOptions, type OptionFields, type OptionKind } from "./options/option-fields.ts";
export { compareTombstones, digestOfTombstone, isConcerned, isOwner, ownerOf, UNKNOWN_OWNER } from "./backend/owner.ts";
export { isNestedDeeper, MAX_NESTING, MAX_STORED_NESTING } from "./json/json-nesting.ts";
export { parseJson } from "./json/parse-json.ts";
export type { PruneOptions, PruneProgress, PruneReceipt, RetentionPolicy } from "./retention/policy.ts";
export { mergeAround, type RefusedAtom } from "./replication/courier.ts";
export { compareBytes } from "./replication/merge-join.ts";
export { reconcile, type FactFilter, type ReconcileOptions, type ReconcileProgress } from "./replication/reconcile.ts";
export type { RangeDigest, Replica, SessionDigest, SessionRange } from "./replication/replica.ts";
export { replicate, type RefusedCopy, type ReplicateOptions, type ReplicateProgress } from "./replication/replicate.ts";
export { digestOf, hashOfSession } from "./replication/session-digest.ts";
export { verify, type Difference, type VerifyOptions, type VerifyProgress } from "./replication/verify.ts";
export { addRemoved, NOTHING_REMOVED, type Removed } from "./backend/removed.ts";
export { createdAtOf } from "./session/session-summary.ts";
export { aheadId, DEFAULT_MAX_ATOM_BYTES, isTimeMs, MAX_NAME_LENGTH } from "./atom/validation.ts";
export { fitsRoom, RowRoom, type RowLimits } from "./backend/row-room.ts";
export {
  canonicalJson,
  decodeText,
  encodeText,
  ESCAPED_UNITS,
  fromJsonText,
  isSameJson,
  shownText,
  toJsonText,
} from "./atom/serialization.ts";
export type { SessionData } from "./session/session-data.ts";
export { Session, type Completeness, type SessionInit } from "./session/session.ts";
export type { AtomRow } from "./backend/atom-row.ts";
export type {
  AtomJournal,
  JournalBacklog,
  JournalBounds,
  JournalScope,
  AtomKey,
  AtomSelection,
  AtomWrite,
  AtomWriteResult,
  ClearedIds,
  Deletion,
  DeletionResult,
  ExpiredAtom,
  ExpiredSelection,
  Facts,
  HeadSelection,
  IdRange,
  Merged,
  MessageRow,
  RowReader,
  SessionRow,
  SessionSelection,
  SessionWrite,
  StoredMessage,
  Tombstone,
  TombstoneKey,
  TombstoneSelection,
} from "./backend/storage-hooks.ts";
export type {
  AtomQuery,
  AtomStreamQuery,
  ErasureReceipt,
  LoadOptions,
  MemoryStorageOptions,
  SaveOptions,
  SaveReceipt,
  SessionQuery,
  SessionSummary,
  UserGuard,
} from "./storage/storage-types.ts";
export { MEMORY_STORAGE_FIELDS } from "./storage/storage-types.ts";
export { MemoryStorage } from "./storage/storage.ts";
export { sqlitePath } from "./storage/sqlite-address.ts";
export { estimateTokens } from "./message/token-estimate.ts";
export type { AtomOf, AtomTypes, NewAtomOf, NewAtomsOf } from "./atom/typed-atoms.ts";
export { isPlainAppend, WriteQueue, type WriteQueueInit } from "./backend/write-queue.ts";
export {
  assertMergeable,
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  changedSession,
  CLAIM_OF_DELETED,
  conflictingAtom,
  deletedSession,
  foreignSession,
  overruledChange,
  UNCLAIMED,
  type SessionClaim,
} from "./backend/write-rules.ts";

assertNodeVersion(nodeVersion());
