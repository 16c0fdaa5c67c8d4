/** Every SQL statement of the backend but the migrations, prepared once. */
import type {
  AtomKey,
  AtomRow,
  AtomSelection,
  ClearedIds,
  DeletedAtom,
  ExpiredAtom,
  ExpiredSelection,
  HeadSelection,
  JournalBounds,
  JournalScope,
  MessageRow,
  SessionHead,
  Tombstone,
  TombstoneSelection,
} from "@rivet/memory-core";
import { clearedBounds, MESSAGE_TYPES, NIL_ID, roleOf, SESSION_METADATA } from "@rivet/memory-core";
import type { Statement } from "better-sqlite3";
import type { Connection } from "./file/database.ts";

const ATOM_COLUMNS = `session_id AS sessionId, id, user_id AS userId, memory_type AS memoryType, content, metadata,
  created_at AS createdAtMs, expires_at AS expiresAtMs`;
const DELETED_COLUMNS = "id, memory_type AS memoryType, created_at AS createdAtMs";
const MESSAGE_COLUMNS = "id, memory_type AS memoryType, content, metadata, created_at AS createdAtMs";
const HEAD_COLUMNS = `session_id AS sessionId, user_id AS userId, created_at AS createdAtMs,
  last_atom_id AS lastAtomId, message_count AS messageCount, atom_count AS atomCount, id_xor AS idXor,
  history_xor AS historyXor, metadata, metadata_ids AS metadataIds`;

// Constants of this file and of the core, never input: they stand in the text so that the planner can match them with
// the condition of the index on facts.
const MESSAGE_LIST = MESSAGE_TYPES.map((type) => `'${type}'`).join(", ");
const IS_MESSAGE = `memory_type IN (${MESSAGE_LIST})`;
const IS_FACT = MESSAGE_TYPES.map((type) => `memory_type <> '${type}'`).join(" AND ");
// Without statistics the planner takes the primary key and reads the whole session, or all messages of a user.
const FACTS_OF_SESSION = "INDEXED BY session_memories_facts";
const FACTS_OF_USER = "INDEXED BY session_memories_facts_by_user";

/** The bytes of content and metadata. SQLite stores the length of a text next to it, so that the text is not read. */
const JOURNALED_BYTES = "(octet_length(content) + octet_length(metadata))";

/** Bounds before and after every id. */
const FIRST_ID = "";
const LAST_ID = "~";

/** A row of the journal, with the bytes of its content and metadata. */
export interface SizedRow extends AtomRow {
  readonly bytes: number;
}

export class Statements {
  readonly #connection: Connection;
  readonly #prepared = new Map<string, Statement<unknown[]>>();

  readonly #insertAtom: Statement<unknown[]>;
  readonly #selectAnyTombstone: Statement<unknown[]>;
  readonly #selectHead: Statement<unknown[], SessionHead>;
  readonly #upsertHead: Statement<unknown[]>;
  readonly #insertJournaled: Statement<unknown[]>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#insertAtom = connection.prepare(`
      INSERT INTO session_memories (session_id, id, user_id, memory_type, content, metadata, created_at, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#selectAnyTombstone = connection.prepare("SELECT 1 FROM session_tombstones WHERE session_id = ? LIMIT 1");
    this.#insertJournaled = connection.prepare(`
      INSERT INTO session_journal
        (target, session_id, id, user_id, memory_type, content, metadata, created_at, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#selectHead = connection.prepare(`SELECT ${HEAD_COLUMNS} FROM session_heads WHERE session_id = ?`);
    this.#upsertHead = connection.prepare(`
      INSERT INTO session_heads
        (session_id, user_id, created_at, last_atom_id, message_count, atom_count, id_xor, history_xor, metadata,
         metadata_ids)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (session_id) DO UPDATE SET created_at = excluded.created_at, last_atom_id = excluded.last_atom_id,
        message_count = excluded.message_count, atom_count = excluded.atom_count, id_xor = excluded.id_xor,
        history_xor = excluded.history_xor, metadata = excluded.metadata, metadata_ids = excluded.metadata_ids`);
  }

  // Writing

  /** @returns whether the row is new: not when its id is taken. */
  insertAtom(row: AtomRow): boolean {
    const { sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs } = row;
    const values = [sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs];
    return this.#insertAtom.run(...values).changes === 1;
  }

  upsertHead(head: SessionHead): void {
    this.#upsertHead.run(
      head.sessionId,
      head.userId,
      head.createdAtMs,
      head.lastAtomId,
      head.messageCount,
      head.atomCount,
      head.idXor,
      head.historyXor,
      head.metadata,
      head.metadataIds,
    );
  }

  /** Makes a head that of a session without atoms. It stays its user's. */
  emptyHead(sessionId: string): void {
    this.#prepare(
      `UPDATE session_heads SET created_at = 0, last_atom_id = '${NIL_ID}', message_count = 0, atom_count = 0,
         id_xor = '${NIL_ID}', history_xor = '${NIL_ID}', metadata = '{}', metadata_ids = '{}'
       WHERE session_id = ?`,
    ).run(sessionId);
  }

  /** Inserts a tombstone. The tombstone of a whole session replaces those of its atoms. */
  insertTombstone({ sessionId, id, owner, deletedAtMs }: Tombstone): void {
    if (id === NIL_ID) {
      const sql = "DELETE FROM session_tombstones WHERE session_id = ? AND (owner = ? OR ? = '')";
      this.#prepare(sql).run(sessionId, owner, owner);
    }
    const sql = "INSERT OR IGNORE INTO session_tombstones (session_id, id, owner, deleted_at) VALUES (?, ?, ?, ?)";
    this.#prepare(sql).run(sessionId, id, owner, deletedAtMs);
  }

  deleteAtom(sessionId: string, id: string): DeletedAtom | undefined {
    return this.#get<DeletedAtom>(
      `DELETE FROM session_memories WHERE session_id = ? AND id = ? RETURNING ${DELETED_COLUMNS}`,
      [sessionId, id],
    );
  }

  deleteClearedMessages(sessionId: string, cleared: ClearedIds): DeletedAtom[] {
    return this.#all<DeletedAtom>(
      `DELETE FROM session_memories WHERE session_id = ? AND (id <= ? OR id > ? AND id <= ?) AND ${IS_MESSAGE}
       RETURNING ${DELETED_COLUMNS}`,
      [sessionId, ...clearedBounds(cleared)],
    );
  }

  /** Removes all of a session. What stays is that it was deleted; of its user nothing does. */
  deleteSession(sessionId: string): void {
    this.#prepare("DELETE FROM session_memories WHERE session_id = ?").run(sessionId);
    this.emptyHead(sessionId);
    this.#prepare("UPDATE session_heads SET user_id = '' WHERE session_id = ?").run(sessionId);
    this.recordErasure();
  }

  // The residue of erasures in the file: `compaction.ts` ends it

  /** Counts an erasure. Call it in each transaction that removes rows. */
  recordErasure(): void {
    this.#prepare("UPDATE rivet_store SET erasures = erasures + 1").run();
  }

  /** Counts the transactions that removed rows, and those of them whose bytes are no longer in the file. */
  selectErasures(): { readonly erased: number; readonly ended: number } {
    const sql = "SELECT erasures AS erased, ended_erasures AS ended FROM rivet_store";
    return this.#get<{ erased: number; ended: number }>(sql, []) ?? { erased: 0, ended: 0 };
  }

  endErasures(ended: number): void {
    this.#prepare("UPDATE rivet_store SET ended_erasures = max(ended_erasures, ?)").run(ended);
  }

  // The journal

  /** Whether the row is new. */
  insertJournaled(
    target: string,
    { sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs }: AtomRow,
  ): boolean {
    const values = [target, sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs];
    return this.#insertJournaled.run(...values).changes > 0;
  }

  deleteJournaled(target: string, { sessionId, id }: AtomKey): AtomRow | undefined {
    const sql = `DELETE FROM session_journal WHERE target = ? AND session_id = ? AND id = ? RETURNING ${ATOM_COLUMNS}`;
    return this.#get<AtomRow>(sql, [target, sessionId, id]);
  }

  selectJournaled(target: string, { sessionId, id }: AtomKey): AtomRow | undefined {
    const sql = `SELECT ${ATOM_COLUMNS} FROM session_journal WHERE target = ? AND session_id = ? AND id = ?`;
    return this.#get<AtomRow>(sql, [target, sessionId, id]);
  }

  /** The targets that have atoms, one after the other: the tree is not read in between. */
  selectJournalTargets(): string[] {
    const next = "SELECT min(target) FROM session_journal WHERE target >";
    const rows = this.#all<{ readonly target: string }>(
      `WITH RECURSIVE found (target) AS (
         SELECT (${next} '') UNION ALL SELECT (${next} found.target) FROM found WHERE found.target IS NOT NULL
       )
       SELECT target FROM found WHERE target IS NOT NULL`,
      [],
    );
    return rows.map(({ target }) => target);
  }

  /** Rows of one target, in the order of the keys, read one by one: they may be large. */
  *selectJournal(target: string, { sessionId, id }: AtomKey, bounds: JournalBounds): Generator<SizedRow> {
    const { aboveRowBytes = -1, mostRowBytes = Number.MAX_SAFE_INTEGER } = bounds;
    yield* this.#iterate<SizedRow>(
      `SELECT ${ATOM_COLUMNS}, ${JOURNALED_BYTES} AS bytes FROM session_journal
       WHERE target = ? AND (session_id, id) > (?, ?) AND ${JOURNALED_BYTES} > ? AND ${JOURNALED_BYTES} <= ?
       ORDER BY session_id, id`,
      [target, sessionId, id, aboveRowBytes, mostRowBytes],
    );
  }

  /** Rows of a scope, in the order of the keys; a row of several targets comes several times. */
  *selectJournalScope({ sessionId, userId }: JournalScope, after: AtomKey): Generator<SizedRow> {
    yield* this.#iterate<SizedRow>(
      `SELECT ${ATOM_COLUMNS}, ${JOURNALED_BYTES} AS bytes FROM session_journal
       WHERE (session_id, id) > (?, ?) AND session_id = ifnull(?, session_id) AND user_id = ifnull(?, user_id)
       ORDER BY session_id, id`,
      [after.sessionId, after.id, sessionId ?? null, userId ?? null],
    );
  }

  /** The number of atoms for each target, with their bytes and the oldest id. */
  selectJournalBacklog(): { target: string; atoms: number; bytes: number; oldestId: string }[] {
    return this.#all(
      `SELECT target, count(*) AS atoms, sum(${JOURNALED_BYTES}) AS bytes, min(id) AS oldestId FROM session_journal
       GROUP BY target`,
      [],
    );
  }

  // Reading

  /** The head, unless the session has no atoms or `userId` is given and it belongs to someone else. */
  selectHead(sessionId: string, userId?: string): SessionHead | undefined {
    const head = this.#selectHead.get(sessionId);
    if (head === undefined || head.atomCount === 0) return undefined;
    return userId === undefined || userId === head.userId ? head : undefined;
  }

  /** The head as it is stored, also of a session without atoms; of one that was deleted it has an empty `userId`. */
  selectStoredHead(sessionId: string): SessionHead | undefined {
    return this.#selectHead.get(sessionId);
  }

  /**
   * Whether anything of the session was deleted, or the session itself. Most have no tombstones, and need no look for
   * each atom.
   */
  hasTombstones(sessionId: string): boolean {
    return this.#selectAnyTombstone.get(sessionId) !== undefined;
  }

  /** The owners of the tombstones of an atom, or, by the nil id, of the whole session. */
  selectOwners({ sessionId, id }: AtomKey): string[] {
    const sql = "SELECT owner FROM session_tombstones WHERE session_id = ? AND id = ?";
    return this.#all<{ readonly owner: string }>(sql, [sessionId, id]).map(({ owner }) => owner);
  }

  selectAtom(sessionId: string, id: string): AtomRow | undefined {
    return this.#get<AtomRow>(`SELECT ${ATOM_COLUMNS} FROM session_memories WHERE session_id = ? AND id = ?`, [
      sessionId,
      id,
    ]);
  }

  selectLastAtomId(sessionId: string): string | undefined {
    const sql = "SELECT id FROM session_memories WHERE session_id = ? ORDER BY id DESC LIMIT 1";
    return this.#get<{ id: string }>(sql, [sessionId])?.id;
  }

  /** When the earliest atom of a session that has some was created. It reads all of them. */
  selectEarliestMs(sessionId: string): number {
    const sql = "SELECT min(created_at) AS createdAtMs FROM session_memories WHERE session_id = ?";
    return this.#get<{ createdAtMs: number }>(sql, [sessionId])?.createdAtMs ?? Infinity;
  }

  selectMetadata(sessionId: string): AtomRow[] {
    return this.#all<AtomRow>(
      `SELECT ${ATOM_COLUMNS} FROM session_memories ${FACTS_OF_SESSION}
       WHERE session_id = ? AND memory_type = '${SESSION_METADATA}' AND ${IS_FACT} ORDER BY id`,
      [sessionId],
    );
  }

  selectMessages(sessionId: string, fromId = FIRST_ID): MessageRow[] {
    return this.#all<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM session_memories WHERE session_id = ? AND id >= ? AND ${IS_MESSAGE} ORDER BY id`,
      [sessionId, fromId],
    );
  }

  /** The last messages, in id order. */
  selectLastMessages(sessionId: string, limit: number): MessageRow[] {
    return this.#all<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM session_memories WHERE session_id = ? AND ${IS_MESSAGE} ORDER BY id DESC LIMIT ?`,
      [sessionId, limit],
    ).toReversed();
  }

  /** The system messages that stand before the first other message, and before an id, in id order. */
  selectLeadingSystemMessages(sessionId: string, beforeId: string): MessageRow[] {
    return this.#all<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM session_memories
       WHERE session_id = ? AND memory_type = 'message_system' AND id < ? AND id < COALESCE(
         (SELECT id FROM session_memories WHERE session_id = ? AND ${IS_MESSAGE} AND memory_type <> 'message_system' ORDER BY id LIMIT 1),
         '~')
       ORDER BY id`,
      [sessionId, beforeId, sessionId],
    );
  }

  selectHeads(selection: HeadSelection): SessionHead[] {
    const { order, userId, limit } = selection;
    const ofUser = userId === undefined ? "" : "AND user_id = ?";
    const user = userId === undefined ? [] : [userId];
    if (order === "recent-first") {
      // A session without atoms has the nil id for its last one: the condition on it is answered by the index.
      const page = `FROM session_heads WHERE last_atom_id < ? AND last_atom_id > '${NIL_ID}' ${ofUser}
        ORDER BY last_atom_id DESC LIMIT ?`;
      // No index has all users' sessions in this order, and one more would cost every append. A page of 100,000
      // sessions is found in 15 ms among the entries of the index that there is, and in 100 ms among the rows.
      const sql =
        userId === undefined
          ? `SELECT ${HEAD_COLUMNS} FROM session_heads WHERE session_id IN (SELECT session_id ${page})
             ORDER BY last_atom_id DESC`
          : `SELECT ${HEAD_COLUMNS} ${page}`;
      return this.#all<SessionHead>(sql, [selection.beforeId ?? LAST_ID, ...user, limit]);
    }
    const sql = `SELECT ${HEAD_COLUMNS} FROM session_heads WHERE session_id > ? AND atom_count > 0 ${ofUser}
      ORDER BY session_id LIMIT ?`;
    return this.#all<SessionHead>(sql, [selection.afterSessionId ?? "", ...user, limit]);
  }

  /** The heads of a user, including those of sessions without atoms. */
  selectHeadsOfUser(userId: string): SessionHead[] {
    return this.#all<SessionHead>(`SELECT ${HEAD_COLUMNS} FROM session_heads WHERE user_id = ?`, [userId]);
  }

  /**
   * A page of atoms. Indexes lead by the types of facts: each gives its own page, and the pages are merged, so that the
   * cost is that of a page a type, however many atoms there are. Messages are most of what there is, and are read in
   * the order of their ids, whatever their type.
   */
  selectAtoms(selection: AtomSelection): AtomRow[] {
    const { memoryTypes, limit } = selection;
    if (memoryTypes === undefined) return this.#selectPage(selection);
    const messages = memoryTypes.filter((type) => roleOf(type) !== undefined);
    const pages = memoryTypes
      .filter((type) => roleOf(type) === undefined)
      .map((type) => this.#selectPage(selection, { fact: type }));
    if (messages.length > 0) pages.push(this.#selectPage(selection, { messages }));
    const [only = []] = pages;
    if (pages.length < 2) return only;
    const direction = selection.order === "newest-first" ? -1 : 1;
    return pages
      .flat()
      .sort((left, right) => (left.id < right.id ? -direction : direction))
      .slice(0, limit);
  }

  #selectPage(
    selection: AtomSelection,
    { fact, messages }: { readonly fact?: string; readonly messages?: readonly string[] } = {},
  ): AtomRow[] {
    const { sessionId, userId, ids, beforeId = LAST_ID, afterId = FIRST_ID, order, limit } = selection;
    const { unexpiredAtMs, createdBeforeMs } = selection;
    const conditions = ["id > ?", "id < ?"];
    const values: unknown[] = [afterId, beforeId];
    const where = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    where("session_id = ?", sessionId);
    // The sign keeps the index of the user's atoms out of a query for one session.
    where(sessionId === undefined ? "user_id = ?" : "+user_id = ?", userId);
    where("memory_type = ?", fact);
    where("memory_type IN (SELECT value FROM json_each(?))", messages && JSON.stringify(messages));
    where("id IN (SELECT value FROM json_each(?))", ids && JSON.stringify(ids));
    where("(expires_at IS NULL OR expires_at > ?)", unexpiredAtMs);
    where("created_at < ?", createdBeforeMs);
    let index = "";
    if (fact !== undefined && (sessionId ?? userId) !== undefined) {
      conditions.push(IS_FACT);
      index = sessionId === undefined ? FACTS_OF_USER : FACTS_OF_SESSION;
    }
    const sql = `SELECT ${ATOM_COLUMNS} FROM session_memories ${index}
      WHERE ${conditions.join(" AND ")}
      ORDER BY id ${order === "newest-first" ? "DESC" : "ASC"} LIMIT ?`;
    return this.#all<AtomRow>(sql, [...values, limit]);
  }

  selectExpired({ atMs, userId, sessionId, after, limit }: ExpiredSelection): ExpiredAtom[] {
    const conditions = ["expires_at <= ?"];
    const values: unknown[] = [atMs];
    const where = (condition: string, ...parameters: readonly unknown[]): void => {
      conditions.push(condition);
      values.push(...parameters);
    };
    if (after !== undefined)
      where("(expires_at, session_id, id) > (?, ?, ?)", after.expiresAtMs, after.sessionId, after.id);
    if (userId !== undefined) where("user_id = ?", userId);
    // The sign: with a constant in the middle of its key the planner would sort what the index gives in order.
    if (sessionId !== undefined) where("+session_id = ?", sessionId);
    const sql = `SELECT session_id AS sessionId, id, memory_type AS memoryType, expires_at AS expiresAtMs
      FROM session_memories INDEXED BY session_memories_expiring
      WHERE ${conditions.join(" AND ")} ORDER BY expires_at, session_id, id LIMIT ?`;
    return this.#all<ExpiredAtom>(sql, [...values, limit]);
  }

  selectTombstones({ sessionId, after, limit }: TombstoneSelection): Tombstone[] {
    const columns = "session_id AS sessionId, id, owner, deleted_at AS deletedAtMs";
    const order = "ORDER BY session_id, id, owner LIMIT ?";
    const key = [after?.id ?? FIRST_ID, after?.owner ?? ""];
    if (sessionId !== undefined) {
      const sql = `SELECT ${columns} FROM session_tombstones WHERE session_id = ? AND (id, owner) > (?, ?) ${order}`;
      return this.#all<Tombstone>(sql, [sessionId, ...key, limit]);
    }
    const sql = `SELECT ${columns} FROM session_tombstones WHERE (session_id, id, owner) > (?, ?, ?) ${order}`;
    return this.#all<Tombstone>(sql, [after?.sessionId ?? "", ...key, limit]);
  }

  #prepare(sql: string): Statement<unknown[]> {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  // The row types below restate the column lists above, which the compiler cannot read.

  #get<Row>(sql: string, values: readonly unknown[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  #iterate<Row>(sql: string, values: readonly unknown[]): IterableIterator<Row> {
    return this.#prepare(sql).iterate(...values) as IterableIterator<Row>;
  }

  #all<Row>(sql: string, values: readonly unknown[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }
}
