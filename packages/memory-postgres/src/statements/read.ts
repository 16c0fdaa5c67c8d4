import {
  NIL_ID,
  roleOf,
  SESSION_METADATA,
  type AtomSelection,
  type ExpiredSelection,
  type HeadSelection,
  type SessionSelection,
} from "@rivet/memory-core";
import { recencyOf } from "@rivet/postgres-schema";
import type { Query, Statement } from "./named-statements.ts";
import { timestampText } from "./timestamps.ts";
import { ATOM_COLUMNS, CREATED_AT_MS, EXPIRES_AT_MS, HEAD_COLUMNS, IS_FACT, IS_MESSAGE, NIL } from "./columns.ts";
import type { Scope } from "./scope.ts";

/** The greatest UUID: a bound that excludes nothing. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Statements that read. */
export class ReadStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  selectStore(): Statement {
    return this.#scope.named(`SELECT store_uuid AS "storeUuid" FROM ${this.#scope.table.store}`);
  }

  /**
   * Selects the sessions with metadata that was decided under an id after a given one. $1: the sessions; $2: the id.
   */
  selectMetadataDecidedAfter(): Statement {
    return this.#scope.named(`
SELECT session_id AS "sessionId", metadata_ids AS "metadataIds" FROM ${this.#scope.table.heads}
WHERE session_id = ANY ($1::pg_catalog.text[])
  AND EXISTS (SELECT FROM pg_catalog.jsonb_each_text(metadata_ids) AS decided WHERE decided.value COLLATE pg_catalog."C" > $2::pg_catalog.text)`);
  }

  /**
   * A session, as of one moment: the first row is its head, in the form that `toSessionRow` reads, the others are its
   * messages in id order. The head's columns stand in one row of their own, and are not repeated with every message.
   */
  selectSession({ sessionId, userId, lastMessages, fromId = NIL_ID }: SessionSelection): Query {
    const isWhole = lastMessages === undefined && fromId === NIL_ID;
    const values: unknown[] = [sessionId, fromId];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    // All atoms of a session are of one user.
    const guard = userId === undefined ? "" : `AND user_id = ${parameter(userId)}`;
    const page = lastMessages === undefined ? "" : `ORDER BY id DESC LIMIT (SELECT ${parameter(lastMessages)}::bigint)`;
    // In a SELECT of their own the values do not change the plan, so that it is made once and not with each load, which
    // took as long as reading 20 messages.
    const isOfSession = "session_id = (SELECT $1::pg_catalog.text)";
    const statement = this.#scope.named(`
SELECT id, memory_type AS "memoryType", content, metadata, ${CREATED_AT_MS}
FROM (
  SELECT ${NIL} AS id,
    pg_catalog.concat_ws(' ', last_atom_id, message_count, atom_count, id_xor, history_xor, user_id) AS memory_type,
    metadata_ids AS content, metadata, created_at
  FROM ${this.#scope.table.heads} WHERE ${isOfSession} AND atom_count > 0 ${guard}
  UNION ALL
  (SELECT id, memory_type, content, metadata, created_at FROM ${this.#scope.table.memories}
  WHERE ${isOfSession} AND id >= (SELECT $2::pg_catalog.uuid) AND ${IS_MESSAGE} ${guard} ${page})
  ${isWhole ? "" : `UNION ALL ${this.#leadingSystemMessages(isOfSession, lastMessages === undefined, guard)}`}
) AS row
ORDER BY id`);
    return { statement, values };
  }

  /**
   * The system messages that stand before the first other message: a range at the start of the key. The last messages
   * of a short session have them too, and `toSessionRow` leaves the second of two out.
   */
  #leadingSystemMessages(isOfSession: string, isFromId: boolean, guard: string): string {
    const { memories } = this.#scope.table;
    const firstOther = `SELECT id FROM ${memories} WHERE ${isOfSession} AND ${IS_MESSAGE} AND memory_type <> 'message_system'
      ORDER BY id LIMIT 1`;
    return `(SELECT id, memory_type, content, metadata, created_at FROM ${memories}
  WHERE ${isOfSession} AND memory_type = 'message_system' ${guard} AND id < COALESCE((${firstOther}), '${LAST_ID}'::pg_catalog.uuid)
    ${isFromId ? "AND id < (SELECT $2::pg_catalog.uuid)" : ""})`;
  }

  selectHeads(selection: HeadSelection): Query {
    const { order, userId, limit } = selection;
    const isRecentFirst = order === "recent-first";
    const bound = isRecentFirst ? (selection.beforeId ?? LAST_ID) : (selection.afterSessionId ?? "");
    // `recency` is what an index leads by, and follows from the id.
    const isInPage = isRecentFirst
      ? `recency <= ${recencyOf("$1::pg_catalog.uuid")} AND last_atom_id < $1`
      : "session_id > $1";
    return {
      statement: this.#scope.named(`
SELECT ${HEAD_COLUMNS} FROM ${this.#scope.table.heads}
WHERE atom_count > 0 AND ${isInPage}
  ${userId === undefined ? "" : "AND user_id = $3"}
ORDER BY ${isRecentFirst ? "recency DESC, last_atom_id DESC" : "session_id"} LIMIT $2`),
      values: [bound, limit, ...(userId === undefined ? [] : [userId])],
    };
  }

  /** All session metadata of a session, in id order. $1: session id. */
  selectMetadata(): Statement {
    return this.#scope.named(`
SELECT ${ATOM_COLUMNS} FROM ${this.#scope.table.memories}
WHERE session_id = $1 AND memory_type = '${SESSION_METADATA}' AND ${IS_FACT} ORDER BY id`);
  }

  /**
   * A page of atoms. An index leads by the types of facts: each gives its own page, and the pages are merged, so that
   * the cost is that of a page a type, however many atoms there are. Messages are most of what there is, and are read
   * in the order of their ids, whatever their type.
   */
  selectAtoms({ sessionId, userId, memoryTypes, ids, order, limit, ...bounds }: AtomSelection): Query {
    const values: unknown[] = [bounds.afterId ?? NIL_ID, bounds.beforeId ?? LAST_ID, limit];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    const conditions = ["id > $1", "id < $2"];
    if (ids !== undefined) conditions.push(`id = ANY(${parameter(ids)}::pg_catalog.uuid[])`);
    if (sessionId !== undefined) conditions.push(`session_id = ${parameter(sessionId)}`);
    if (userId !== undefined) conditions.push(`user_id = ${parameter(userId)}`);
    if (bounds.unexpiredAtMs !== undefined) {
      conditions.push(`(expires_at IS NULL OR expires_at > ${parameter(timestampText(bounds.unexpiredAtMs))})`);
    }
    if (bounds.createdBeforeMs !== undefined) {
      conditions.push(`created_at < ${parameter(timestampText(bounds.createdBeforeMs))}`);
    }
    const ending = `ORDER BY id ${order === "newest-first" ? "DESC" : "ASC"} LIMIT $3`;
    const page = (...more: readonly string[]): string => `
SELECT ${ATOM_COLUMNS} FROM ${this.#scope.table.memories} WHERE ${[...conditions, ...more].join(" AND ")}
${ending}`;
    if (memoryTypes === undefined) return { statement: this.#scope.named(page()), values };

    const facts = memoryTypes.filter((type) => roleOf(type) === undefined);
    const messages = memoryTypes.filter((type) => roleOf(type) !== undefined);
    const pages: string[] = [];
    if (facts.length > 0) {
      pages.push(`
SELECT page.* FROM (SELECT DISTINCT pg_catalog.unnest(${parameter(facts)}::pg_catalog.text[])) AS type (name)
CROSS JOIN LATERAL (${page("memory_type = type.name", IS_FACT)}) AS page
${ending}`);
    }
    if (messages.length > 0 || facts.length === 0) {
      pages.push(page(`memory_type = ANY(${parameter(messages)}::pg_catalog.text[])`, IS_MESSAGE));
    }
    const [only, other] = pages;
    const text = other === undefined ? only : `(${only}) UNION ALL (${other}) ${ending}`;
    return { statement: this.#scope.named(text ?? ""), values };
  }

  selectExpired({ atMs, userId, sessionId, after, limit }: ExpiredSelection): Query {
    const values: unknown[] = [timestampText(atMs), limit];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    const conditions = ["expires_at <= $1"];
    if (after !== undefined) {
      const key = [timestampText(after.expiresAtMs), after.sessionId, after.id].map(parameter);
      conditions.push(`(expires_at, session_id, id) > (${key.join()})`);
    }
    if (userId !== undefined) conditions.push(`user_id = ${parameter(userId)}`);
    if (sessionId !== undefined) conditions.push(`session_id = ${parameter(sessionId)}`);
    const statement = this.#scope.named(`
SELECT session_id AS "sessionId", id, memory_type AS "memoryType", ${EXPIRES_AT_MS} FROM ${this.#scope.table.memories}
WHERE ${conditions.join(" AND ")} ORDER BY expires_at, session_id, id LIMIT $2`);
    return { statement, values };
  }
}
