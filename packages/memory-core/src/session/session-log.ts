/** What a `Session` knows and what of it is not yet saved. No I/O: the storage asks for a batch and acknowledges it. */
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

/** What one save writes. It does not change while the save is under way, nor when it is repeated after a failure. */
export interface UnsavedBatch {
  readonly rows: readonly AtomRow[];
  readonly cleared: ClearedIds | undefined;
  /** The version of the history that this object last read or wrote. */
  readonly historyXor: string;
  /** Which atoms had decided the metadata when this object last read them; see `MetadataProjection`. */
  readonly metadataIds: string;
}

export class SessionLog {
  readonly sessionId: string;
  readonly userId: string;
  readonly clock: AtomClock;
  readonly maxAtomBytes: number;

  messages: Message[] = [];
  unreadable: readonly UnreadableAtom[] = [];
  /** Stores that could not be asked when this was read, and may hold more of it. */
  unreachable: readonly string[] = [];
  /** Atoms that no store has acknowledged, oldest first. */
  unsaved: AtomRow[] = [];
  /** The version of the stored history when this object last read or wrote it. */
  historyXor = NIL_ID;
  /** Which atoms had decided the metadata when this object last read them. */
  metadataIds = EMPTY_METADATA.metadataIds;
  /** The first stored message that was loaded, when the ones before it were left out. */
  loadedFromId: string | undefined;
  /** The stored messages that the next save deletes. */
  cleared: ClearedIds | undefined;
  lastActiveMs = 0;

  #metadata = new Map<string, JsonValue>();
  #change: { set: Map<string, JsonValue>; removed: Set<string> } | undefined;
  #metadataView: JsonObject | undefined;
  #lastSavedMessageId: string | undefined;
  /** The greatest id of an atom of the session that this object has read or made. */
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
   * A new id, after all that this object has read and made and its clock follows. The clock is past these as a rule; one that was set
   * back by more than a day since then is behind them.
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

  /** The first atom of a new session: its initial metadata. Minted at once, so that it sorts before every message. */
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

  /** Forgets all messages: those that are stored, up to the last one this object knows, go with the next save. */
  clear(): void {
    // Unsaved messages may be on their way in a save that is under way: the last id covers them too.
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

  /** New messages sort before an id that is ahead of the clock, and are not to go with it. */
  #throughId(lastId: string): ClearedIds {
    const nowMs = this.clock.wallTimeMs();
    if (judgeAtomId(lastId, nowMs) === "good") return { clearThroughId: lastId };
    const clearAhead = { afterId: lastIdWithinLead(nowMs), throughId: lastId };
    return { clearThroughId: this.nextId(), clearAhead };
  }

  /** One at a time: overlapping saves and refreshes of a session wait for each other, whether they succeed or fail. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(work, work);
    this.#tail = result;
    return result;
  }

  /** Turns the metadata changes since the last save into one atom, whose id then stays. */
  freezeMetadataChange(): void {
    if (this.#change === undefined) return;
    const content = { set: Object.fromEntries(this.#change.set), removed: [...this.#change.removed] };
    this.#addUnsaved(this.nextId(), SESSION_METADATA, content, {}, this.clock.wallTimeMs());
    this.#change = undefined;
  }

  /** What the next save writes, or undefined when there is nothing. */
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
   * A store has committed the batch. What was added meanwhile stays unsaved.
   *
   * @param historyXor the version of the history now; undefined when the store does not have all of it, and cannot tell.
   */
  acknowledge(batch: UnsavedBatch, historyXor = historyXorWith(batch.historyXor, batch.rows)): void {
    const saved = new Set(batch.rows);
    this.unsaved = this.unsaved.filter((atom) => !saved.has(atom));
    this.#lastSavedMessageId =
      batch.rows.findLast((atom) => roleOf(atom.memoryType) !== undefined)?.id ?? this.#lastSavedMessageId;
    if (this.cleared === batch.cleared) this.cleared = undefined;
    this.historyXor = historyXor;
  }

  /** The ids of saved messages that a store's answer lacks: others have deleted them, or that store has not got them yet. */
  missingIn(messages: readonly Pick<MessageRow, "id">[]): string[] {
    const known = new Set([...messages, ...this.unsaved].map(({ id }) => id));
    return this.messages.map(({ id }) => id).filter((id) => !known.has(id));
  }

  /**
   * Takes over what is stored; unsaved work stays on top of it.
   *
   * @param lacking saved messages that the store has not got yet: they stay, and so does the metadata.
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

  /** Moves the clock past what was read. An id that is ahead of the clock is not followed: then the others count. */
  #observe(lastAtomId: string, messages: SessionRow["messages"]): void {
    this.clock.observe(lastAtomId);
    if (judgeAtomId(lastAtomId, this.clock.wallTimeMs()) === "good") return;
    for (const { id } of messages) this.clock.observe(id);
  }

  /** A session that was loaded from one of its messages on; those that are added later sort after it. */
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

  /** Puts back what `toJSON` wrote. */
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

/** Puts an item in its place, which is nearly always the end: only ids that are ahead of the clock sort after a new one. */
function insertById<Item extends { readonly id: string }>(items: Item[], item: Item): void {
  const last = items.at(-1);
  if (last === undefined || last.id < item.id) items.push(item);
  else items.splice(items.findLastIndex(({ id }) => id < item.id) + 1, 0, item);
}

function byId(left: Message, right: Message): number {
  return left.id < right.id ? -1 : 1;
}
