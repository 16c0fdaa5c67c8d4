/** Every SQL statement of the backend but the migrations. */
import {
  MESSAGE_TYPES,
  NIL_ID,
  roleOf,
  SESSION_METADATA,
  type AtomSelection,
  type ExpiredSelection,
  type HeadSelection,
  type SessionSelection,
} from "@rivet/memory-core";
import { recencyOf, tableNames, type TableNames } from "@rivet/postgres-schema";
import { NamedStatements, type Query, type Statement } from "./named-statements.ts";
import { timestampText } from "./timestamps.ts";

// Constants of the core, never input: they stand in the text so that the planner can match them with the condition of
// the index on facts.
const MESSAGE_LIST = MESSAGE_TYPES.map((type) => `'${type}'`).join(", ");
export const IS_MESSAGE = `memory_type IN (${MESSAGE_LIST})`;
const IS_FACT = `memory_type NOT IN (${MESSAGE_LIST})`;
const NIL = `'${NIL_ID}'::uuid`;
/** After every UUID that there is: a bound that leaves nothing out. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Stands in a hint for every other store. No store has this name. */
export const ALL_STORES = "*";

/** The XOR of no ids. */
export const NO_BITS = "B'0'::bit(128)";

const CREATED_AT_MS = `date_part('epoch', created_at) * 1000 AS "createdAtMs"`;
export const EXPIRES_AT_MS = `date_part('epoch', expires_at) * 1000 AS "expiresAtMs"`;
const ATOM_COLUMNS = `session_id AS "sessionId", id, user_id AS "userId", memory_type AS "memoryType", content, metadata,
    ${CREATED_AT_MS}, ${EXPIRES_AT_MS}`;
const HEAD_COLUMNS = `session_id AS "sessionId", user_id AS "userId", ${CREATED_AT_MS}, last_atom_id AS "lastAtomId",
    message_count AS "messageCount", atom_count AS "atomCount", id_xor AS "idXor", history_xor AS "historyXor",
    metadata, metadata_ids AS "metadataIds"`;

/** A parameter of texts that never hold U+001F, one row each: JSON writes control characters as escapes. */
const split = (parameter: string): string => `string_to_table(${parameter}, E'\\x1f')`;
export const TEXT_SEPARATOR = "\u001f";

const HEAD_TARGETS = `session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
  id_xor, history_xor, metadata, metadata_ids`;

interface AppendOptions {
  /** Whether session metadata is among the rows. */
  readonly isMetadataSet: boolean;
  readonly isVersionExpected: boolean;
  /** Whether any row expires: else the statement does without the column. */
  readonly isExpirySet: boolean;
}

/** The rows of the statement of nearly every save: each form of them is a statement of its own. */
interface ListedRows extends Omit<AppendOptions, "isExpirySet"> {
  readonly count: number;
  /** Whether they are the history of a session, or nothing of it: then one value says the XOR of both. */
  readonly isHistory: boolean;
}

/** The statements on the tables of one schema. */
export class Statements {
  readonly #table: TableNames;
  readonly #isHinting: boolean;
  readonly #statements = new NamedStatements();
  readonly #cache = new Map<string, Statement>();

  /**
   * @param isHinting whether what is written and deleted leaves hints for the other stores, in the same statement: not when
   *   it comes from one of them.
   */
  constructor(schema: string, isHinting = false) {
    this.#table = tableNames(schema);
    this.#isHinting = isHinting;
  }

  // Writing

  /**
   * Appends rows in the order of their ids, all of them new, to one session that no deletion has seen, none of which expires: the
   * statement of nearly every save. Its values are those of `appendToSessionValues`. Gives `historyXor`.
   *
   * What it must not do ends it with a unique or a NOT NULL violation, which undoes all of it, and `careful-append.ts`
   * looks closer: an id that is there already, with this content or another; a session of someone else; one that changed;
   * one that saw more deletions than is known, so that a tombstone may name a row. The latest version of the head decides,
   * not the one of the statement's snapshot.
   *
   * The head comes first, and its lock keeps others out of the session: PostgreSQL runs a part of a WITH list that nobody
   * reads after the statement itself (`ExecPostprocessPlan` in its `execMain.c`).
   *
   * Rows as values take 0.375 ms where rows as JSON, counted as they are inserted, took 0.401 ms, and a bare INSERT 0.314 ms.
   */
  appendToSession({ count, isHistory, isMetadataSet, isVersionExpected }: ListedRows): Statement {
    return this.#cached(`append ${count} ${isHistory} ${isMetadataSet} ${isVersionExpected}`, () => {
      const { next, expected, metadata } = headParameters(5, isMetadataSet, isVersionExpected);
      const rows = Array.from({ length: count }, () => ({
        id: next(),
        rest: [next(), next(), next(), next()].join(),
      }));
      const lastId = rows.at(-1)?.id ?? NIL;
      const hints = rows.map(({ id }) => `('${ALL_STORES}', $1, ${id}, false)`).join();
      return `
WITH inserted AS (
  INSERT INTO ${this.#table.memories} (session_id, id, user_id, memory_type, content, metadata, created_at)
  VALUES ${rows.map(({ id, rest }) => `($1, ${id}, $2, ${rest})`).join()}
)${this.#isHinting ? `, hinted AS (INSERT INTO ${this.#table.hints} VALUES ${hints} ON CONFLICT DO NOTHING)` : ""}
INSERT INTO ${this.#table.heads} AS head (${HEAD_TARGETS})
VALUES ($1, ${this.#userIf(expected)}, $3, ${lastId}, ${recencyOf(`${lastId}::uuid`)}, $4, ${count}, 0, $5,
  ${isHistory ? "$5" : NO_BITS}, ${metadata})
${updateHead(isMetadataSet, expected)}
RETURNING history_xor AS "historyXor"`;
    });
  }

  /**
   * The same for any number of rows, and for a session that was deleted from: tombstones are looked up, and a row that one
   * names ends the statement. Its values are those of `appendManyToSessionValues`.
   */
  appendManyToSession({ isMetadataSet, isVersionExpected, isExpirySet }: AppendOptions): Statement {
    return this.#cached(`append rows ${isMetadataSet} ${isVersionExpected} ${isExpirySet}`, () => {
      const expiry = isExpirySet ? ", expires_at" : "";
      const { next, expected, metadata } = headParameters(9, isMetadataSet, isVersionExpected);
      return `
WITH inserted AS (
  INSERT INTO ${this.#table.memories} (session_id, id, user_id, memory_type, content, metadata, created_at${expiry})
  SELECT $1, id, $2, memory_type, ${JSON_CONTENT}, metadata, created_at${expiry}
  FROM json_to_recordset(${next()})
    AS atom (id uuid, memory_type text, content jsonb, metadata jsonb, created_at timestamptz, expires_at timestamptz)
  WHERE NOT EXISTS (SELECT FROM ${this.#table.tombstones} AS tombstone WHERE session_id = $1 AND tombstone.id = atom.id)
  RETURNING session_id, id
)${this.#hints("inserted", false)}
INSERT INTO ${this.#table.heads} AS head (${HEAD_TARGETS})
SELECT $1, CASE WHEN count(*) = $6::integer THEN ${this.#userIf(expected)} END, $3::timestamptz, $4::uuid, ${recencyOf("$4::uuid")},
  $5::integer, $6::integer, $7::integer, $8::bit(128), $9::bit(128), ${metadata}
FROM inserted
${updateHead(isMetadataSet, expected)}
RETURNING history_xor AS "historyXor"`;
    });
  }

  /** The user, unless a session is expected that is not there; one that is not there yet has the version that nothing has. */
  #userIf(expected: string | undefined): string {
    if (expected === undefined) return "$2";
    return `CASE WHEN ${expected}::bit(128) = ${NO_BITS} OR EXISTS (SELECT FROM ${this.#table.heads} WHERE session_id = $1)
  THEN $2 END`;
  }

  /**
   * Appends rows to any number of sessions. Heads come first, in the order given, as in {@link appendToSession}: two of
   * these that are given in the order of the session ids never wait for each other in a circle.
   *
   * Its values are those of `appendToSessionsValues`. Gives `sessionId` and `historyXor` of each session. It ends as
   * {@link appendToSession} does.
   *
   * For 64 turns it takes 2.9 ms with columns in arrays and joined text, where rows as JSON took 3.6 ms.
   */
  appendToSessions({ isMetadataSet, isExpirySet }: Omit<AppendOptions, "isVersionExpected">): Statement {
    return this.#cached(`append many ${isMetadataSet} ${isExpirySet}`, () => {
      const expiry = isExpirySet ? ", expires_at" : "";
      const expiries = isExpirySet ? `, unnest($${isMetadataSet ? 19 : 17}::text[])` : "";
      const metadata = isMetadataSet ? `, ${split("$17")}, ${split("$18")}` : "";
      return `
WITH inserted AS (
  INSERT INTO ${this.#table.memories} (session_id, id, user_id, memory_type, content, metadata, created_at${expiry})
  SELECT session_id, id::uuid, user_id, memory_type, content::jsonb, metadata::jsonb, created_at::timestamptz
    ${expiry && `${expiry}::timestamptz`}
  FROM ROWS FROM (
    unnest($1::text[]), ${split("$2")}, unnest($3::text[]), unnest($4::text[]), ${split("$5")}, ${split("$6")}, ${split("$7")}
    ${expiries}
  ) AS atom (session_id, id, user_id, memory_type, content, metadata, created_at${expiry})
  ${this.#isHinting ? "RETURNING session_id, id" : ""}
)${this.#hints("inserted", false)}
INSERT INTO ${this.#table.heads} AS head (${HEAD_TARGETS})
SELECT session_id, user_id, created_at::timestamptz,
  last_atom_id::uuid, ${recencyOf("last_atom_id")}, message_count, atom_count, deletion_count, id_xor::bit(128),
  history_xor::bit(128),
  ${isMetadataSet ? "metadata::jsonb, metadata_ids::jsonb" : "'{}', '{}'"}
FROM ROWS FROM (
  unnest($8::text[]), unnest($9::text[]), ${split("$10")}, ${split("$11")}, unnest($12::integer[]), unnest($13::integer[]),
  unnest($14::integer[]), ${split("$15")}, ${split("$16")}${metadata}
) AS added (session_id, user_id, created_at, last_atom_id, message_count, atom_count, deletion_count, id_xor, history_xor
  ${isMetadataSet ? ", metadata, metadata_ids" : ""})
${updateHead(isMetadataSet, undefined)}
RETURNING session_id AS "sessionId", history_xor AS "historyXor"`;
    });
  }

  /**
   * Makes sure that each session has a row in heads, to be locked: two writers of a session that is not there yet wait for
   * each other here. $1: session ids.
   */
  createHeads(): Statement {
    return this.#named(`
INSERT INTO ${this.#table.heads} (${HEAD_TARGETS})
SELECT session_id, '', now(), ${NIL}, ${recencyOf(NIL)}, 0, 0, 0, ${NO_BITS}, ${NO_BITS}, '{}', '{}'
FROM unnest($1::text[]) AS given (session_id) ORDER BY session_id COLLATE "C"
ON CONFLICT DO NOTHING`);
  }

  /**
   * Locks heads, in the order in which everybody does, and gives them with `deletionCount`, as they are under the lock. One
   * that comes into being meanwhile is neither locked nor given. $1: session ids.
   */
  lockHeads(): Statement {
    return this.#lock("session_id = ANY($1)");
  }

  /** The same for the sessions of a user. $1: user id. */
  lockHeadsOfUser(): Statement {
    return this.#lock("user_id = $1 AND atom_count > 0");
  }

  #lock(condition: string): Statement {
    return this.#named(`
SELECT ${HEAD_COLUMNS}, deletion_count AS "deletionCount" FROM ${this.#table.heads} WHERE ${condition}
ORDER BY session_id FOR UPDATE`);
  }

  /**
   * Those of the sessions that have a tombstone. It is a statement apart, as one that has waited for a lock sees other
   * tables as they were before. $1: session ids.
   */
  selectDeletedSessions(): Statement {
    return this.#named(`
SELECT session_id AS "sessionId" FROM ${this.#table.tombstones} WHERE session_id = ANY($1) AND id = ${NIL}`);
  }

  /**
   * Those of the atoms that are there, with all their columns, or that have a tombstone, with nothing but their names.
   * $1: session ids; $2: ids.
   */
  lookUp(): Statement {
    return this.#named(`
SELECT session_id AS "sessionId", id, stored.user_id AS "userId", stored.memory_type AS "memoryType", stored.content,
  stored.metadata, ${CREATED_AT_MS}, ${EXPIRES_AT_MS}
FROM unnest($1::text[], $2::uuid[]) AS given (session_id, id)
LEFT JOIN ${this.#table.memories} AS stored USING (session_id, id)
LEFT JOIN ${this.#table.tombstones} AS tombstone USING (session_id, id)
WHERE stored.user_id IS NOT NULL OR tombstone.deleted_at IS NOT NULL`);
  }

  /** Gives sessions without atoms to users. $1: session ids; $2: user ids. */
  claimHeads(): Statement {
    return this.#named(`
UPDATE ${this.#table.heads} AS head SET user_id = given.user_id, created_at = 'infinity'
FROM unnest($1::text[], $2::text[]) AS given (session_id, user_id)
WHERE head.session_id = given.session_id AND atom_count = 0`);
  }

  /**
   * Deletes atoms and leaves a tombstone for each id, there or not. $1: session id; $2: ids; $3: when each was deleted,
   * or fewer than there are ids, for those deleted now.
   */
  deleteAtoms(): Statement {
    return this.#named(`
WITH buried AS (
  INSERT INTO ${this.#table.tombstones} (session_id, id, deleted_at)
  SELECT $1, id, COALESCE(deleted_at, now()) FROM unnest($2::uuid[], $3::timestamptz[]) AS given (id, deleted_at)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#hints("buried", true)}
DELETE FROM ${this.#table.memories} WHERE session_id = $1 AND id = ANY($2::uuid[])
RETURNING id, memory_type AS "memoryType", ${CREATED_AT_MS}`);
  }

  /** Deletes the messages up to and including an id, and leaves tombstones. $1: session id; $2: the id. */
  deleteMessagesThrough(): Statement {
    return this.#named(`
WITH deleted AS (
  DELETE FROM ${this.#table.memories} WHERE session_id = $1 AND id <= $2 AND ${IS_MESSAGE}
  RETURNING id, memory_type, created_at
), buried AS (
  INSERT INTO ${this.#table.tombstones} (session_id, id, deleted_at)
  SELECT $1, id, now() FROM deleted ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#hints("buried", true)}
SELECT id, memory_type AS "memoryType", ${CREATED_AT_MS} FROM deleted`);
  }

  /** $1: session id. */
  selectLastAtomId(): Statement {
    return this.#named(`SELECT id FROM ${this.#table.memories} WHERE session_id = $1 ORDER BY id DESC LIMIT 1`);
  }

  /** When the earliest atom of a session was created. It reads all of them. $1: session id. */
  selectEarliest(): Statement {
    return this.#named(`
SELECT date_part('epoch', min(created_at)) * 1000 AS "createdAtMs" FROM ${this.#table.memories} WHERE session_id = $1`);
  }

  /** Writes a head after a deletion. $1: session id; $2 to $10: the columns, in their order here. */
  updateHeadAfterDelete(): Statement {
    return this.#named(`
UPDATE ${this.#table.heads} SET user_id = $2, last_atom_id = $3, recency = ${recencyOf("$3::uuid")}, message_count = $4, atom_count = $5, id_xor = $6,
  history_xor = $7, metadata = $8, metadata_ids = $9, created_at = $10, deletion_count = deletion_count + 1
WHERE session_id = $1`);
  }

  /** Makes heads those of sessions without atoms. $1: session ids. */
  emptyHeads(): Statement {
    return this.#named(`
UPDATE ${this.#table.heads} SET user_id = '', last_atom_id = ${NIL}, recency = ${recencyOf(NIL)}, message_count = 0, atom_count = 0,
  id_xor = ${NO_BITS}, history_xor = ${NO_BITS}, metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1
WHERE session_id = ANY($1)`);
  }

  /**
   * Removes all of some sessions but their heads, and leaves the one tombstone that stands for each. $1: session ids; $2:
   * as $3 of `deleteAtoms`.
   */
  deleteSessions(): Statement {
    return this.#named(`
WITH dug_up AS (
  DELETE FROM ${this.#table.tombstones} WHERE session_id = ANY($1) AND id <> ${NIL}
), buried AS (
  INSERT INTO ${this.#table.tombstones} (session_id, id, deleted_at)
  SELECT session_id, ${NIL}, COALESCE(deleted_at, now())
  FROM unnest($1::text[], $2::timestamptz[]) AS given (session_id, deleted_at) ORDER BY session_id COLLATE "C"
  ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#hints("buried", true)}
DELETE FROM ${this.#table.memories} WHERE session_id = ANY($1)`);
  }

  // Reading

  selectStore(): Statement {
    return this.#named(`SELECT store_uuid AS "storeUuid" FROM ${this.#table.store}`);
  }

  /**
   * A session, as of one moment: the first row is its head, in the form that `toSessionRow` reads, the others are its
   * messages in id order. The head's columns stand in one row of their own, and are not repeated with every message.
   */
  selectSession({ sessionId, userId, lastMessages, fromId = NIL_ID }: SessionSelection): Query {
    const values: unknown[] = [sessionId, fromId];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    // All atoms of a session are of one user.
    const guard = userId === undefined ? "" : `AND user_id = ${parameter(userId)}`;
    const page = lastMessages === undefined ? "" : `ORDER BY id DESC LIMIT (SELECT ${parameter(lastMessages)}::bigint)`;
    // In a SELECT of their own the values do not change the plan, so that it is made once and not with each load, which
    // took as long as reading 20 messages.
    const isOfSession = "session_id = (SELECT $1::text)";
    const statement = this.#named(`
SELECT id, memory_type AS "memoryType", content, metadata, ${CREATED_AT_MS}
FROM (
  SELECT ${NIL} AS id,
    concat_ws(' ', last_atom_id, message_count, atom_count, id_xor, history_xor, user_id) AS memory_type,
    metadata_ids AS content, metadata, created_at
  FROM ${this.#table.heads} WHERE ${isOfSession} AND atom_count > 0 ${guard}
  UNION ALL
  (SELECT id, memory_type, content, metadata, created_at FROM ${this.#table.memories}
  WHERE ${isOfSession} AND id >= (SELECT $2::uuid) AND ${IS_MESSAGE} ${guard} ${page})
) AS row
ORDER BY id`);
    return { statement, values };
  }

  selectHeads(selection: HeadSelection): Query {
    const { order, userId, limit } = selection;
    const isRecentFirst = order === "recent-first";
    const bound = isRecentFirst ? (selection.beforeId ?? LAST_ID) : (selection.afterSessionId ?? "");
    // `recency` is what an index leads by, and follows from the id.
    const isInPage = isRecentFirst ? `recency <= ${recencyOf("$1::uuid")} AND last_atom_id < $1` : "session_id > $1";
    return {
      statement: this.#named(`
SELECT ${HEAD_COLUMNS} FROM ${this.#table.heads}
WHERE atom_count > 0 AND ${isInPage}
  ${userId === undefined ? "" : "AND user_id = $3"}
ORDER BY ${isRecentFirst ? "recency DESC, last_atom_id DESC" : "session_id"} LIMIT $2`),
      values: [bound, limit, ...(userId === undefined ? [] : [userId])],
    };
  }

  /** All session metadata of a session, in id order. $1: session id. */
  selectMetadata(): Statement {
    return this.#named(`
SELECT ${ATOM_COLUMNS} FROM ${this.#table.memories}
WHERE session_id = $1 AND memory_type = '${SESSION_METADATA}' AND ${IS_FACT} ORDER BY id`);
  }

  /**
   * A page of atoms. An index leads by the types of facts: each gives its own page, and the pages are merged, so that the
   * cost is that of a page a type, however many atoms there are. Messages are most of what there is, and are read in the
   * order of their ids, whatever their type.
   */
  selectAtoms({ sessionId, userId, memoryTypes, ids, order, limit, ...bounds }: AtomSelection): Query {
    const values: unknown[] = [bounds.afterId ?? NIL_ID, bounds.beforeId ?? LAST_ID, limit];
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    const conditions = ["id > $1", "id < $2"];
    if (ids !== undefined) conditions.push(`id = ANY(${parameter(ids)}::uuid[])`);
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
SELECT ${ATOM_COLUMNS} FROM ${this.#table.memories} WHERE ${[...conditions, ...more].join(" AND ")}
${ending}`;
    if (memoryTypes === undefined) return { statement: this.#named(page()), values };

    const facts = memoryTypes.filter((type) => roleOf(type) === undefined);
    const messages = memoryTypes.filter((type) => roleOf(type) !== undefined);
    const pages: string[] = [];
    if (facts.length > 0) {
      pages.push(`
SELECT page.* FROM (SELECT DISTINCT unnest(${parameter(facts)}::text[])) AS type (name)
CROSS JOIN LATERAL (${page("memory_type = type.name", IS_FACT)}) AS page
${ending}`);
    }
    if (messages.length > 0 || facts.length === 0) {
      pages.push(page(`memory_type = ANY(${parameter(messages)}::text[])`, IS_MESSAGE));
    }
    const [only, other] = pages;
    const text = other === undefined ? only : `(${only}) UNION ALL (${other}) ${ending}`;
    return { statement: this.#named(text ?? ""), values };
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
    const statement = this.#named(`
SELECT session_id AS "sessionId", id, memory_type AS "memoryType", ${EXPIRES_AT_MS} FROM ${this.#table.memories}
WHERE ${conditions.join(" AND ")} ORDER BY expires_at, session_id, id LIMIT $2`);
    return { statement, values };
  }

  /** For statements on the path of every save: their text is made once. */
  #cached(key: string, textOf: () => string): Statement {
    let statement = this.#cache.get(key);
    if (statement === undefined) {
      statement = this.#named(textOf());
      this.#cache.set(key, statement);
    }
    return statement;
  }

  #named(text: string): Statement {
    return this.#statements.named(text);
  }

  /** A part of a WITH list that leaves a hint for each row that a part before it returned. */
  #hints(source: string, isTombstone: boolean): string {
    if (!this.#isHinting) return "";
    return `, hinted AS (
  INSERT INTO ${this.#table.hints} (target, session_id, id, is_tombstone)
  SELECT '${ALL_STORES}', session_id, id, ${isTombstone} FROM ${source} ON CONFLICT DO NOTHING
)`;
  }
}

/** The parameters of an append after those that every head has, the first so many. */
function headParameters(
  count: number,
  isMetadataSet: boolean,
  isVersionExpected: boolean,
): { next: () => string; expected: string | undefined; metadata: string } {
  let last = count;
  const next = (): string => `$${++last}`;
  const expected = isVersionExpected ? next() : undefined;
  const metadata = isMetadataSet ? `${next()}::jsonb, ${next()}::jsonb` : "'{}', '{}'";
  return { next, expected, metadata };
}

/** `json_to_recordset` takes JSON's null for SQL's. */
const JSON_CONTENT = "COALESCE(atom.content, 'null')";

/** Adds what was inserted to the head that is there, or ends the statement when the head is not what it should be. */
function updateHead(isMetadataSet: boolean, expected: string | undefined): string {
  const condition = expected === undefined ? "" : `AND head.history_xor = ${expected}`;
  return `ON CONFLICT (session_id) DO UPDATE SET
  user_id = CASE WHEN head.user_id = excluded.user_id AND head.deletion_count = excluded.deletion_count ${condition}
    THEN head.user_id END,
  created_at = LEAST(head.created_at, excluded.created_at),
  last_atom_id = GREATEST(head.last_atom_id, excluded.last_atom_id),
  recency = GREATEST(head.recency, excluded.recency),
  message_count = head.message_count + excluded.message_count,
  atom_count = head.atom_count + excluded.atom_count,
  id_xor = head.id_xor # excluded.id_xor,
  history_xor = head.history_xor # excluded.history_xor${isMetadataSet ? MERGE_METADATA : ""}`;
}

/** For each key the change with the greatest id wins, whatever order they come in: `metadata-projection.ts` as SQL. */
const IS_NEWER = `(excluded.metadata_ids ->> key) COLLATE "C" > COALESCE(head.metadata_ids ->> key, '')`;
const MERGE_METADATA = `,
    metadata = (head.metadata - ARRAY(SELECT key FROM jsonb_object_keys(excluded.metadata_ids) AS given (key) WHERE ${IS_NEWER}))
      || COALESCE((SELECT jsonb_object_agg(key, value) FROM jsonb_each(excluded.metadata) WHERE ${IS_NEWER}), '{}'),
    metadata_ids = head.metadata_ids
      || COALESCE((SELECT jsonb_object_agg(key, value) FROM jsonb_each(excluded.metadata_ids) WHERE ${IS_NEWER}), '{}')`;
