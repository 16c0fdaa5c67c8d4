import { assertNodeVersion, nodeVersion } from "./node-version.ts";

export {
  AtomClock,
  atomIdTimeMs,
  isAtomId,
  judgeAtomId,
  lastIdWithinLead,
  MAX_ID_LEAD_MS,
  NIL_ID,
  type AtomClockOptions,
} from "./atom-id.ts";
export { compareRows, isSameAtom, messageOf } from "./atom-codec.ts";
export {
  isHistoryType,
  MESSAGE_TYPES,
  roleOf,
  SESSION_METADATA,
  type AtomList,
  type MemoryAtom,
  type NewMemoryAtom,
  type UnreadableAtom,
} from "./atom.ts";
export type { BackendLoaders, BackendName, OpenStorageOptions } from "./backend-package.ts";
export { clearedBounds, isCleared } from "./cleared-ids.ts";
export { contextWindow, type ContextOptions } from "./context-window.ts";
export type { ErasureResidue } from "./erasure-residue.ts";
export { MemoryError, withContext, type MemoryErrorCode, type MemoryErrorInit, type WriteOutcome } from "./errors.ts";
export { toAISDKPrompt, type AISDKMessage, type AISDKPrompt } from "./formats/ai-sdk.ts";
export { toLangChainMessages, type LangChainMessage } from "./formats/langchain.ts";
export { toOpenAIMessages, type OpenAIMessage } from "./formats/openai.ts";
export { assertMayEnter, HOLDS_FORGED_ESCAPE, refusedFact } from "./fact-admission.ts";
export {
  headAfterDelete,
  headAfterInsert,
  historyXorWith,
  type AtomsLeft,
  type DeletedAtom,
  type SessionHead,
} from "./head.ts";
export { hexDigitAt, idOfWords, xorIds } from "./id-xor.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export type { MetadataProjection } from "./metadata-projection.ts";
export { MessageHistory, type MessageSelection } from "./message-history.ts";
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
} from "./message.ts";
export { openStorage } from "./open-storage.ts";
export { readOptions, type OptionFields, type OptionKind } from "./option-fields.ts";
export { compareTombstones, digestOfTombstone, isConcerned, isOwner, ownerOf, UNKNOWN_OWNER } from "./owner.ts";
export { isNestedDeeper, MAX_NESTING, MAX_STORED_NESTING } from "./json-nesting.ts";
export { parseJson } from "./parse-json.ts";
export type { PruneOptions, PruneProgress, PruneReceipt, RetentionPolicy } from "./retention/policy.ts";
export { mergeAround, type RefusedAtom } from "./replication/courier.ts";
export { compareBytes } from "./replication/merge-join.ts";
export { reconcile, type FactFilter, type ReconcileOptions, type ReconcileProgress } from "./replication/reconcile.ts";
export type { RangeDigest, Replica, SessionDigest, SessionRange } from "./replication/replica.ts";
export { replicate, type RefusedCopy, type ReplicateOptions, type ReplicateProgress } from "./replication/replicate.ts";
export { digestOf, hashOfSession } from "./replication/session-digest.ts";
export { verify, type Difference, type VerifyOptions, type VerifyProgress } from "./replication/verify.ts";
export { addRemoved, NOTHING_REMOVED, type Removed } from "./removed.ts";
export { createdAtOf } from "./session-summary.ts";
export { aheadId, DEFAULT_MAX_ATOM_BYTES, isTimeMs, MAX_NAME_LENGTH } from "./validation.ts";
export { fitsRoom, RowRoom, type RowLimits } from "./row-room.ts";
export {
  canonicalJson,
  decodeText,
  encodeText,
  ESCAPED_UNITS,
  fromJsonText,
  isSameJson,
  shownText,
  toJsonText,
} from "./serialization.ts";
export type { SessionData } from "./session-data.ts";
export { Session, type Completeness, type SessionInit } from "./session.ts";
export type {
  AtomJournal,
  JournalBacklog,
  JournalBounds,
  JournalScope,
  AtomKey,
  AtomRow,
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
} from "./storage-hooks.ts";
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
} from "./storage-types.ts";
export { MEMORY_STORAGE_FIELDS } from "./storage-types.ts";
export { MemoryStorage } from "./storage.ts";
export { sqlitePath } from "./sqlite-address.ts";
export { estimateTokens } from "./token-estimate.ts";
export type { AtomOf, AtomTypes, NewAtomOf, NewAtomsOf } from "./typed-atoms.ts";
export { isPlainAppend, WriteQueue, type WriteQueueInit } from "./write-queue.ts";
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
} from "./write-rules.ts";

assertNodeVersion(nodeVersion());
