/**
 * The state of a `Session`, with its unsaved changes. Does no I/O: the storage takes a batch, writes it and
 * acknowledges it.
 */
import { decodeMessage, decodeMetadataChange, encodeAtom, readMessage } from "../atom/atom-codec.ts";
import { messageTypeOf, roleOf, SESSION_METADATA, type UnreadableAtom } from "../atom/atom.ts";
import { atomIdTimeMs, judgeAtomId, lastIdWithinLead, NIL_ID, type AtomClock } from "../atom/atom-id.ts";
import { isCleared } from "./cleared-ids.ts";
import { historyXorWith } from "../backend/head.ts";
import type { JsonObject, JsonValue } from "../json/json.ts";
import type { Message } from "../message/message.ts";
import { EMPTY_METADATA } from "../backend/metadata-projection.ts";
import { applyMetadataChange, type MetadataChange } from "./session-metadata.ts";
import { readMetadata } from "./session-summary.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { ClearedIds, MessageRow, SessionRow } from "../backend/storage-hooks.ts";
import { DEFAULT_MAX_ATOM_BYTES } from "../atom/validation.ts";

/**
 * The rows and deletions of one save. They do not change while the save is running, nor when it is repeated after a
 * failure.
 */
export interface UnsavedBatch {
  readonly rows: readonly AtomRow[];
  readonly cleared: ClearedIds | undefined;
  /** The version of the history that this object last read or wrote. */
  readonly historyXor: string;
  /** The atoms that determined the metadata when this object last read them; see `MetadataProjection`. */
  readonly metadataIds: string;
}

export class SessionLog {
  readonly sessionId: string;
  readonly userId: string;
  readonly clock: AtomClock;
  readonly maxAtomBytes: number;

  messages: Message[] = [];
  unreadable: readonly UnreadableAtom[] = [];
  /** Stores that could not be reached when the session was read, and may hold more of it. */
  unreachable: readonly string[] = [];
  /** Atoms that no store has acknowledged, oldest first. */
  unsaved: AtomRow[] = [];
  /** The version of the stored history when this object last read or wrote it. */
  historyXor = NIL_ID;
  /** The atoms that determined the metadata when this object last read them. */
  metadataIds = EMPTY_METADATA.metadataIds;
  /** The first loaded message, if earlier stored messages were not loaded. */
  loadedFromId: string | undefined;
  /** The stored messages that the next save deletes. */
  cleared: ClearedIds | undefined;
  lastActiveMs = 0;

  #metadata = new Map<string, JsonValue>();
  #change: { set: Map<string, JsonValue>; removed: Set<string> } | undefined;
  #metadataView: JsonObject | undefined;
  #lastSavedMessageId: string | undefined;
  /** The greatest id of the session's atoms that this object has read or created. */
  #lastAtomId = NIL_ID;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(sessionId: string, userId: string, clock: AtomClock, maxAtomBytes = DEFAULT_MAX_ATOM_BYTES) {
    this.sessionId = sessionId;
    this.userId = userId;
    this.clock = clock;
    this.maxAtomBytes = maxAtomBytes;
  }

  get unsavedCount(): number {
    const isCleared = this.cleared !== undefined && this.unsaved.length === 0 && this.#change === undefined;
    return this.unsaved.length + (this.#change === undefined ? 0 : 1) + (isCleared ? 1 : 0);
  }

  get metadata(): JsonObject {
    return (this.#metadataView ??= Object.freeze(Object.fromEntries(this.#metadata)));
  }

  metadataValue(key: string): JsonValue | undefined {
    return this.#metadata.get(key);
  }

  /**
   * Creates an id greater than all ids that this object has read or created and that its clock follows. The clock is
   * usually past them already. A clock that was set back by more than a day since then is behind them.
   */
  nextId(): string {
    const id = this.clock.next();
    const last = this.messages.at(-1)?.id ?? NIL_ID;
    if (id > last && id > this.#lastAtomId) return id;
    const limit = lastIdWithinLead(this.clock.wallTimeMs());
    const followed = this.messages.findLast((message) => message.id <= limit)?.id ?? NIL_ID;
    this.clock.observe(this.#lastAtomId <= limit ? this.#lastAtomId : followed);
    return this.clock.next();
  }

  /**
   * Adds the first atom of a new session, its initial metadata. Its id is created at once, so that it sorts before
   * every message.
   */
  begin(metadata: JsonObject, createdAtMs: number): void {
    this.#addUnsaved(this.clock.next(), SESSION_METADATA, { set: metadata, removed: [] }, {}, createdAtMs);
    this.#applyMetadata({ set: metadata, removed: [] });
  }

  addMessage(message: Message): void {
    const { id, role, content, metadata, createdAt } = message;
    this.#addUnsaved(id, messageTypeOf(role), content as JsonValue, metadata, createdAt.getTime());
    insertById(this.messages, message);
  }

  setMetadata(key: string, value: JsonValue): void {
    this.#change ??= { set: new Map(), removed: new Set() };
    this.#change.removed.delete(key);
    this.#change.set.set(key, value);
    this.#metadata.set(key, value);
    this.#metadataView = undefined;
  }

  deleteMetadata(key: string): void {
    if (!this.#metadata.has(key)) return;
    this.#change ??= { set: new Map(), removed: new Set() };
    this.#change.set.delete(key);
    this.#change.removed.add(key);
    this.#metadata.delete(key);
    this.#metadataView = undefined;
  }

  /** Removes all messages. The next save deletes the stored ones, up to the last one that this object has seen. */
  clear(): void {
    // A save that is running may be writing some unsaved messages: the last id covers them too.
    const { clearThroughId, clearAhead } = this.cleared ?? {};
    const known = [this.messages.at(-1)?.id, this.#lastSavedMessageId, clearThroughId, clearAhead?.throughId];
    const lastId = known
      .filter((id) => id !== undefined)
      .toSorted()
      .at(-1);
    this.cleared = lastId === undefined ? undefined : this.#throughId(lastId);
    this.messages = [];
    this.unsaved = this.unsaved.filter((atom) => roleOf(atom.memoryType) === undefined);
    this.loadedFromId = undefined;
  }

  /** The ids to clear. New messages sort before an id that is ahead of the clock, and must not be deleted with it. */
  #throughId(lastId: string): ClearedIds {
    const nowMs = this.clock.wallTimeMs();
    if (judgeAtomId(lastId, nowMs) === "good") return { clearThroughId: lastId };
    const clearAhead = { afterId: lastIdWithinLead(nowMs), throughId: lastId };
    return { clearThroughId: this.nextId(), clearAhead };
  }

  /** Runs saves and refreshes of a session one at a time, whether the previous one succeeded or failed. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(work, work);
    this.#tail = result;
    return result;
  }

  /** Combines the metadata changes since the last save into one atom, which keeps its id from then on. */
  freezeMetadataChange(): void {
    if (this.#change === undefined) return;
    const content = { set: Object.fromEntries(this.#change.set), removed: [...this.#change.removed] };
    this.#addUnsaved(this.nextId(), SESSION_METADATA, content, {}, this.clock.wallTimeMs());
    this.#change = undefined;
  }

  /** The batch of the next save, or undefined when there is nothing to save. */
  takeUnsaved(): UnsavedBatch | undefined {
    this.freezeMetadataChange();
    if (this.unsaved.length === 0 && this.cleared === undefined) return undefined;
    return {
      rows: [...this.unsaved],
      cleared: this.cleared,
      historyXor: this.historyXor,
      metadataIds: this.metadataIds,
    };
  }

  /**
   * Records that a store has committed the batch. Changes made meanwhile stay unsaved.
   *
   * @param historyXor The version of the history now; undefined when the store lacks part of the history and cannot
   *   compute it.
   */
  acknowledge(batch: UnsavedBatch, historyXor = historyXorWith(batch.historyXor, batch.rows)): void {
    const saved = new Set(batch.rows);
    this.unsaved = this.unsaved.filter((atom) => !saved.has(atom));
    this.#lastSavedMessageId =
      batch.rows.findLast((atom) => roleOf(atom.memoryType) !== undefined)?.id ?? this.#lastSavedMessageId;
    if (this.cleared === batch.cleared) this.cleared = undefined;
    this.historyXor = historyXor;
  }

  /**
   * The ids of saved messages that a store did not return: either they were deleted, or the store has not received them
   * yet.
   */
  missingIn(messages: readonly Pick<MessageRow, "id">[]): string[] {
    const known = new Set([...messages, ...this.unsaved].map(({ id }) => id));
    return this.messages.map(({ id }) => id).filter((id) => !known.has(id));
  }

  /**
   * Takes over the stored state; unsaved changes stay on top of it.
   *
   * @param lacking Saved messages that the store has not received yet. They are kept, and so is the metadata.
   */
  absorb({ head, messages, unreachable = [] }: SessionRow, lacking: ReadonlySet<string> = new Set()): void {
    this.#observe(head.lastAtomId, messages);
    this.unreachable = unreachable;
    const { metadata, unreadable } = readMetadata(head);
    if (unreadable !== undefined) throw unreadable;
    if (lacking.size === 0) {
      this.#metadata = new Map(Object.entries(metadata));
      this.#metadataView = undefined;
    }

    const bad: UnreadableAtom[] = [];
    const stored: Message[] = [];
    for (const row of messages) {
      const message = readMessage(row, head, (atom) => bad.push(atom));
      if (message !== undefined) stored.push(message);
    }
    const kept = this.messages.filter(({ id }) => lacking.has(id));
    const merged = kept.length === 0 ? stored : [...stored, ...kept].sort(byId);
    const { cleared } = this;
    this.messages = cleared === undefined ? merged : merged.filter(({ id }) => !isCleared(id, cleared));
    this.unreadable = bad;
    if (this.unsavedCount > 0) this.#reapplyUnsaved();
    this.#lastSavedMessageId = messages.at(-1)?.id ?? this.#lastSavedMessageId;
    this.historyXor = head.historyXor;
    if (head.lastAtomId > this.#lastAtomId) this.#lastAtomId = head.lastAtomId;
    this.metadataIds = head.metadataIds;
    this.lastActiveMs = Math.max(this.lastActiveMs, atomIdTimeMs(head.lastAtomId));
  }

  /**
   * Moves the clock past the ids that were read. If the last id is ahead of the clock, moves it past the others only.
   */
  #observe(lastAtomId: string, messages: SessionRow["messages"]): void {
    this.clock.observe(lastAtomId);
    if (judgeAtomId(lastAtomId, this.clock.wallTimeMs()) === "good") return;
    for (const { id } of messages) this.clock.observe(id);
  }

  /** Marks a session as loaded from one of its messages on. Messages added later sort after that message. */
  loadedFrom(firstId: string | undefined): void {
    const isFollowed = firstId === undefined || judgeAtomId(firstId, this.clock.wallTimeMs()) === "good";
    this.loadedFromId = isFollowed ? firstId : this.clock.next();
  }

  #reapplyUnsaved(): void {
    const storedIds = new Set(this.messages.map((message) => message.id));
    for (const row of this.unsaved) {
      const role = roleOf(row.memoryType);
      if (role === undefined) this.#applyMetadata(decodeMetadataChange(row));
      else if (!storedIds.has(row.id)) this.messages.push(decodeMessage(row, role));
    }
    this.messages.sort(byId);
    if (this.#change === undefined) return;
    this.#applyMetadata({ set: Object.fromEntries(this.#change.set), removed: [...this.#change.removed] });
  }

  /** Restores the state that `toJSON` wrote. */
  restore(messages: Message[], metadata: JsonObject, saved: RestoredState, lastActiveMs: number): void {
    this.messages = messages;
    this.unsaved = [...saved.unsaved];
    this.historyXor = saved.historyXor;
    this.lastActiveMs = lastActiveMs;
    this.loadedFromId = saved.loadedFromId;
    this.cleared = saved.cleared;
    this.#applyMetadata({ set: metadata, removed: [] });
    const unsavedIds = new Set(saved.unsaved.map((atom) => atom.id));
    this.#lastSavedMessageId = messages.findLast((message) => !unsavedIds.has(message.id))?.id;
    for (const { id } of [...messages, ...saved.unsaved]) this.clock.observe(id);
  }

  #applyMetadata(change: MetadataChange): void {
    applyMetadataChange(this.#metadata, change);
    this.#metadataView = undefined;
  }

  #addUnsaved(id: string, memoryType: string, content: JsonValue, metadata: JsonObject, createdAtMs: number): void {
    const atom = { sessionId: this.sessionId, id, userId: this.userId, memoryType, content, metadata, createdAtMs };
    const row = encodeAtom(atom, this.maxAtomBytes, roleOf(memoryType) === undefined ? "metadata" : "message");
    insertById(this.unsaved, row);
    if (id > this.#lastAtomId) this.#lastAtomId = id;
    this.lastActiveMs = createdAtMs;
  }
}

export interface RestoredState {
  readonly unsaved: readonly AtomRow[];
  readonly historyXor: string;
  readonly loadedFromId: string | undefined;
  readonly cleared: ClearedIds | undefined;
}

/** Inserts an item in id order, nearly always at the end: only ids that are ahead of the clock sort after a new one. */
function insertById<Item extends { readonly id: string }>(items: Item[], item: Item): void {
  const last = items.at(-1);
  if (last === undefined || last.id < item.id) items.push(item);
  else items.splice(items.findLastIndex(({ id }) => id < item.id) + 1, 0, item);
}

function byId(left: Message, right: Message): number {
  return left.id < right.id ? -1 : 1;
}
