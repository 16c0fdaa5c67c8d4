import type { AtomClock } from "../atom/atom-id.ts";
import { NO_METADATA } from "../atom/atom-codec.ts";
import { processClock } from "../atom/atom-id.ts";
import type { UnreadableAtom } from "../atom/atom.ts";
import { contextWindow, type ContextOptions } from "../message/context-window.ts";
import { invalidInput, MemoryError } from "../errors/errors.ts";
import { INSPECT } from "../errors/inspection.ts";
import type { JsonObject, JsonValue } from "../json/json.ts";
import { MessageHistory } from "./message-history.ts";
import { assertNewContent, type Message, type MessageRole, type NewMessageContent } from "../message/message.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { logFromData } from "./session-data-reader.ts";
import { logToData, type SessionData } from "./session-data.ts";
import { SessionLog } from "./session-log.ts";
import { readNames } from "./session-summary.ts";
import { createdAtOf } from "./session-summary.ts";
import type { SessionRow } from "../backend/storage-hooks.ts";
import type { LoadOptions, SaveOptions, SaveReceipt } from "../storage/storage-types.ts";
import { snapshotJson, snapshotJsonObject } from "../json/snapshot.ts";
import { assertLimit, assertName } from "../atom/validation.ts";

export interface Completeness {
  readonly isComplete: boolean;
  /** The names of the stores that could not be reached. */
  readonly unreachable: readonly string[];
}

/** The part of a `MemoryStorage` that a session uses. A storage of any types of atoms has it. */
export interface SessionStore {
  readonly clock: AtomClock;
  readonly maxAtomBytes: number;
  saveSession(session: Session, options?: SaveOptions): Promise<SaveReceipt>;
  loadSession(sessionId: string, options?: LoadOptions): Promise<Session | null>;
  refreshSession(session: Session): Promise<void>;
}

export interface SessionInit {
  /** The owner of the session: 1 to 512 UTF-16 units, no NUL. */
  userId: string;
  /**
   * The storage that `save()` writes to. Without one, the first `storage.saveSession(session)` binds the session to
   * that storage.
   */
  storage?: SessionStore | undefined;
  /** Default: `session_` and a UUIDv7. */
  sessionId?: string | undefined;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** No field is a guard: a new session without an id gets one. */
const INIT_FIELDS: OptionFields<SessionInit> = {
  userId: "setting",
  storage: "setting",
  sessionId: "setting",
  metadata: "setting",
};

/** The access to a session that only the storage has. */
export interface SessionInternals {
  readonly log: SessionLog;
  readonly storage: SessionStore | undefined;
  bind(storage: SessionStore): void;
}

let readInternals: (session: Session) => SessionInternals;
let withLog: (log: SessionLog, createdAtMs: number, storage: SessionStore | undefined) => Session;

/**
 * A conversation as the application holds it: messages in order, metadata, and the unsaved changes of both.
 *
 * Adding is synchronous and local. `save()` writes only unsaved changes, in one atomic step. Several objects with the
 * same session id, in one process or in many, may append at the same time; nothing is lost.
 *
 * @example
 * await using session = new Session({ userId: "ada", storage });
 * session.addUserMessage("The drive trips with F0002.");
 * session.addAssistantMessage("F0002 is an overvoltage: is the ramp-down time short?");
 * await session.save();
 */
export class Session {
  readonly history: MessageHistory = new MessageHistory(() => this.#log.messages);
  #log: SessionLog;
  #createdAtMs: number;
  #storage: SessionStore | undefined;

  static {
    readInternals = (session) => ({
      log: session.#log,
      storage: session.#storage,
      bind: (storage) => (session.#storage = storage),
    });
    withLog = (log, createdAtMs, storage) => {
      const session = new Session({ userId: log.userId, sessionId: log.sessionId, storage });
      session.#log = log;
      session.#createdAtMs = createdAtMs;
      return session;
    };
  }

  /** @throws {MemoryError} `invalid_input` for an id or metadata that cannot be stored. */
  constructor(init: SessionInit) {
    if (init === undefined) throw invalidInput("init", "is missing; expected an object with a userId");
    const given = readOptions(init, INIT_FIELDS, "init");
    const { userId, storage, metadata = {} } = given;
    const clock = storage?.clock ?? processClock;
    const { sessionId = `session_${clock.next()}` } = given;
    assertName(sessionId, "sessionId");
    assertName(userId, "userId");
    this.#storage = storage;
    this.#log = new SessionLog(sessionId, userId, clock, storage?.maxAtomBytes);
    this.#createdAtMs = clock.wallTimeMs();
    this.#log.begin(snapshotJsonObject(metadata, "metadata", storage?.maxAtomBytes), this.#createdAtMs);
  }

  get sessionId(): string {
    return this.#log.sessionId;
  }

  get userId(): string {
    return this.#log.userId;
  }

  get createdAt(): Date {
    return new Date(this.#createdAtMs);
  }

  /** The time of the last addition to the session, by this object or, as of the last load or refresh, by another. */
  get lastActive(): Date {
    return new Date(Math.max(this.#createdAtMs, this.#log.lastActiveMs));
  }

  /** The metadata as a frozen copy. */
  get metadata(): JsonObject {
    return this.#log.metadata;
  }

  /**
   * The number of atoms that the next save would write: messages, and one for changed metadata. A new session counts as
   * one.
   */
  get unsavedCount(): number {
    return this.#log.unsavedCount;
  }

  /**
   * The stored rows of this session that could not be read when it was loaded or refreshed. The other rows are loaded.
   */
  get unreadable(): readonly UnreadableAtom[] {
    return this.#log.unreadable;
  }

  /**
   * Whether all stores that may hold a part of this session could be reached when it was loaded or refreshed. A storage
   * with several providers loads from one that is up. Another provider that is down, or has only just recovered, may
   * have accepted messages that have not been replicated yet.
   */
  get completeness(): Completeness {
    const { unreachable } = this.#log;
    return { isComplete: unreachable.length === 0, unreachable };
  }

  /** @throws {MemoryError} `invalid_input` for content or metadata that JSON cannot hold. */
  addUserMessage(content: NewMessageContent, metadata?: Readonly<Record<string, unknown>>): Message {
    return this.#addMessage("user", content, metadata);
  }

  /** @throws {MemoryError} `invalid_input` for content or metadata that JSON cannot hold. */
  addAssistantMessage(content: NewMessageContent, metadata?: Readonly<Record<string, unknown>>): Message {
    return this.#addMessage("assistant", content, metadata);
  }

  /** @throws {MemoryError} `invalid_input` for content or metadata that JSON cannot hold. */
  addSystemMessage(content: NewMessageContent, metadata?: Readonly<Record<string, unknown>>): Message {
    return this.#addMessage("system", content, metadata);
  }

  /**
   * Adds the result of a tool. Plain text needs the id of the call that it answers: `metadata.toolCallId`.
   *
   * @throws {MemoryError} `invalid_input` for content or metadata that JSON cannot hold.
   */
  addToolMessage(content: NewMessageContent, metadata?: Readonly<Record<string, unknown>>): Message {
    return this.#addMessage("tool", content, metadata);
  }

  #addMessage(role: MessageRole, content: unknown, metadata?: Readonly<Record<string, unknown>>): Message {
    const copy = typeof content === "string" ? content : snapshotJson(content, "content", this.#storage?.maxAtomBytes);
    assertNewContent(copy, "content");
    const message: Message = Object.freeze({
      id: this.#log.nextId(),
      role,
      content: copy,
      metadata:
        metadata === undefined ? NO_METADATA : snapshotJsonObject(metadata, "metadata", this.#storage?.maxAtomBytes),
      createdAt: new Date(this.#log.clock.wallTimeMs()),
    });
    this.#log.addMessage(message);
    return message;
  }

  /**
   * The last messages, oldest first.
   *
   * @param limit Default: 10.
   * @throws {MemoryError} `invalid_input` for a limit that is not a whole number of at least 1.
   */
  getRecentMessages(limit = 10): Message[] {
    assertLimit(limit, "limit");
    return this.#log.messages.slice(-limit);
  }

  /**
   * The latest messages that fit a token budget, oldest first; see {@link contextWindow}.
   *
   * @throws {MemoryError} `invalid_input` when the system messages alone exceed the budget.
   */
  getContext(options?: ContextOptions): Message[] {
    return contextWindow(this.#log.messages, options);
  }

  /** @throws {MemoryError} `invalid_input` for an empty or over-long key, or a value that JSON cannot hold. */
  setMetadata(key: string, value: unknown): void {
    assertName(key, "key");
    this.#log.setMetadata(key, snapshotJson(value, `metadata.${key}`, this.#storage?.maxAtomBytes));
  }

  getMetadata(key: string): JsonValue | undefined;
  getMetadata<Fallback>(key: string, fallback: Fallback): JsonValue | Fallback;
  getMetadata(key: string, fallback?: unknown): unknown {
    const value = this.#log.metadataValue(key);
    return value === undefined ? fallback : value;
  }

  deleteMetadata(key: string): void {
    this.#log.deleteMetadata(key);
  }

  /**
   * Empties the history. The next `save()` deletes the stored messages up to the last one that this object has seen,
   * including messages that were not loaded. Messages that others add later are kept, as are metadata and other atoms.
   */
  clearHistory(): void {
    this.#log.clear();
  }

  /**
   * Writes all unsaved changes in one atomic step. After a failure everything unsaved is still unsaved and the call may
   * be repeated, even when the outcome is unknown. Overlapping calls write each atom once.
   *
   * @throws {MemoryError} `invalid_input` without a storage; otherwise like `MemoryStorage.saveSession`.
   */
  save(options?: SaveOptions): Promise<SaveReceipt> {
    return this.#storage?.saveSession(this, options) ?? Promise.reject(withoutStorage("save"));
  }

  /**
   * Reads what others appended or deleted; unsaved changes are kept.
   *
   * @throws {MemoryError} `not_found` when the session was deleted or was never saved.
   */
  refresh(): Promise<void> {
    return this.#storage?.refreshSession(this) ?? Promise.reject(withoutStorage("refresh"));
  }

  /** Converts the object to JSON, unsaved changes included; {@link Session.fromJSON} is the inverse. */
  toJSON(): SessionData {
    return logToData(this.#log, this.#createdAtMs);
  }

  /** Formats the session for `console.log`. */
  [INSPECT](): object {
    const { sessionId, userId, createdAt, lastActive, metadata, history, unsavedCount } = this;
    return { sessionId, userId, createdAt, lastActive, metadata, history, unsavedCount };
  }

  /**
   * Restores a session from the result of `toJSON`, including its unsaved changes.
   *
   * @throws {MemoryError} `invalid_input` with the path of data that `toJSON` did not write: a session or user id other
   *   than the one that the messages are saved under, a duplicate id, ids out of order, or an id more than a day ahead
   *   of the clock.
   */
  static fromJSON(data: SessionData, storage?: SessionStore): Session {
    const { log, createdAtMs } = logFromData(data, storage?.clock ?? processClock, storage?.maxAtomBytes);
    return withLog(log, createdAtMs, storage);
  }

  /** Loads a session, or returns null if there is none; the same as `storage.loadSession`. */
  static load(sessionId: string, storage: SessionStore, options?: LoadOptions): Promise<Session | null> {
    return storage.loadSession(sessionId, options);
  }

  /** Saves at the end of an `await using` block, if the session has a storage and unsaved changes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#storage !== undefined && this.unsavedCount > 0) await this.save();
  }
}

function withoutStorage(operation: string): MemoryError {
  return new MemoryError({
    code: "invalid_input",
    message: "this session has no storage; pass one to its constructor, or call storage.saveSession(session)",
    operation,
    outcome: "not_applied",
  });
}

/** Undefined for a value that is not a `Session` of this copy of the package. */
export function sessionInternals(session: unknown): SessionInternals | undefined {
  return session instanceof Session ? readInternals(session) : undefined;
}

/** Creates a session from the row that a store returned. */
export function sessionFromRow(row: SessionRow, storage: SessionStore, lastMessages: number | undefined): Session {
  const { head, messages } = row;
  const { sessionId, userId, unreadable } = readNames(head);
  if (unreadable !== undefined) throw unreadable;
  const log = new SessionLog(sessionId, userId, storage.clock, storage.maxAtomBytes);
  log.absorb(row);
  // The leading system messages are loaded in addition.
  if (lastMessages !== undefined) log.loadedFrom(messages.at(-lastMessages)?.id);
  return withLog(log, createdAtOf(head).getTime(), storage);
}
