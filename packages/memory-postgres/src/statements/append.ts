/** The statements that append, each in one round trip. */
import { recencyOf } from "@rivet/postgres-schema";
import type { Statement } from "./named-statements.ts";
import { HEAD_TARGETS, NIL, NO_BITS } from "./columns.ts";
import { ALL_STORES, type Scope } from "./scope.ts";

interface AppendOptions {
  /** Whether session metadata is among the rows. */
  readonly isMetadataSet: boolean;
  readonly isVersionExpected: boolean;
  /**
   * Whether a change of metadata is refused that an id after a given one overrules; that id comes as the last value.
   * Only where metadata is set: other statements do without. Default: false.
   */
  readonly isOverruleRefused?: boolean;
  /** Whether any row expires; otherwise the statement omits the column. */
  readonly isExpirySet: boolean;
}

/** The rows of the statement of nearly every save: each form of them is a statement of its own. */
interface ListedRows extends Omit<AppendOptions, "isExpirySet"> {
  readonly count: number;
  /** Whether they are the history of a session, or nothing of it: then one value says the XOR of both. */
  readonly isHistory: boolean;
}

/** Appends rows, and adds what they make to the heads of their sessions. */
export class AppendStatements {
  readonly #scope: Scope;
  readonly #cache = new Map<string, Statement>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * Appends rows in the order of their ids, all of them new, to one session that no deletion has seen, none of which
   * expires: the statement of nearly every save. Its values are those of `appendToSessionValues`. Gives `historyXor`.
   *
   * If the save must be refused, the statement makes itself fail with a unique or NOT NULL violation, which rolls
   * everything back, and `careful-append.ts` finds the reason: the id, or its hint, is already stored; the session
   * belongs to someone else; the session changed; or it has more deletions than known, so that a tombstone may name a
   * row. The latest version of the head decides, not that of the statement's snapshot.
   *
   * The head is written first, and its lock keeps other writers out of the session: PostgreSQL runs an unread part of a
   * WITH list after the statement itself (`ExecPostprocessPlan` in its `execMain.c`).
   *
   * Rows as values take 0.375 ms where rows as JSON, counted as they are inserted, took 0.401 ms, and a bare INSERT
   * 0.314 ms.
   */
  toSession({ count, isHistory, isMetadataSet, isVersionExpected, isOverruleRefused = false }: ListedRows): Statement {
    return this.#cached(
      `append ${count} ${isHistory} ${isMetadataSet} ${isVersionExpected} ${isOverruleRefused}`,
      () => {
        const { next, expected, metadata } = headParameters(5, isMetadataSet, isVersionExpected);
        const rows = Array.from({ length: count }, () => ({
          id: next(),
          rest: [next(), next(), next(), next()].join(),
        }));
        const lastId = rows.at(-1)?.id ?? NIL;
        const hints = rows.map(({ id }) => `('${ALL_STORES}', $1, ${id}, false)`).join();
        return `
WITH inserted AS (
  INSERT INTO ${this.#scope.table.memories} (session_id, id, user_id, memory_type, content, metadata, created_at)
  VALUES ${rows.map(({ id, rest }) => `($1, ${id}, $2, ${rest})`).join()}
)${this.#scope.isHinting ? `, hinted AS (INSERT INTO ${this.#scope.table.hints} VALUES ${hints})` : ""}
INSERT INTO ${this.#scope.table.heads} AS head (${HEAD_TARGETS})
VALUES ($1, ${this.#userIf(expected)}, $3, ${lastId}, ${recencyOf(`${lastId}::pg_catalog.uuid`)}, $4, ${count}, 0, $5,
  ${isHistory ? "$5" : NO_BITS}, ${metadata})
${updateHead(isMetadataSet, expected, isOverruleRefused ? next() : undefined)}
RETURNING history_xor AS "historyXor"`;
      },
    );
  }

  /**
   * The same for any number of rows, and for a session that was deleted from: tombstones are looked up, and a row that
   * one names ends the statement. Its values are those of `appendManyToSessionValues`.
   */
  manyToSession({
    isMetadataSet,
    isVersionExpected,
    isOverruleRefused = false,
    isExpirySet,
  }: AppendOptions): Statement {
    return this.#cached(`append rows ${isMetadataSet} ${isVersionExpected} ${isOverruleRefused} ${isExpirySet}`, () => {
      const expiry = isExpirySet ? ", expires_at" : "";
      const { next, expected, metadata } = headParameters(9, isMetadataSet, isVersionExpected);
      return `
WITH inserted AS (
  INSERT INTO ${this.#scope.table.memories} (session_id, id, user_id, memory_type, content, metadata, created_at${expiry})
  SELECT $1, id, $2, memory_type, content, metadata, created_at${expiry}
  FROM ${unnested(atomColumns(isExpirySet), next)} AS atom
  WHERE NOT EXISTS (SELECT FROM ${this.#scope.table.tombstones} AS tombstone WHERE session_id = $1 AND tombstone.id = atom.id)
  RETURNING session_id, id
)${this.#scope.hints("inserted", false)}
INSERT INTO ${this.#scope.table.heads} AS head (${HEAD_TARGETS})
SELECT $1, CASE WHEN pg_catalog.count(*) = $6::integer THEN ${this.#userIf(expected)} END, $3::pg_catalog.timestamptz, $4::pg_catalog.uuid, ${recencyOf("$4::pg_catalog.uuid")},
  $5::integer, $6::integer, $7::integer, $8::bit(128), $9::bit(128), ${metadata}
FROM inserted
${updateHead(isMetadataSet, expected, isOverruleRefused ? next() : undefined)}
RETURNING history_xor AS "historyXor"`;
    });
  }

  /** Returns the user, unless an expected session is missing. A new session has the version of an empty history. */
  #userIf(expected: string | undefined): string {
    if (expected === undefined) return "$2";
    return `CASE WHEN ${expected}::bit(128) = ${NO_BITS} OR EXISTS (SELECT FROM ${this.#scope.table.heads} WHERE session_id = $1)
  THEN $2 END`;
  }

  /**
   * Appends rows to any number of sessions. Heads come first, in the order given, as in {@link toSession}: two of
   * these that are given in the order of the session ids never wait for each other in a circle.
   *
   * Its values are those of `appendToSessionsValues`. Gives `sessionId` and `historyXor` of each session. It ends as
   * {@link toSession} does.
   *
   * Columns come as arrays in binary form; `unnest` in a list of columns goes through all of them at once, where in
   * FROM each would be stored away first. For 32 turns: 0.60 ms, 0.71 ms with `unnest` in FROM, and more with text or
   * JSON.
   */
  toSessions({
    isMetadataSet,
    isOverruleRefused = false,
    isExpirySet,
  }: Omit<AppendOptions, "isVersionExpected">): Statement {
    return this.#cached(`append many ${isMetadataSet} ${isOverruleRefused} ${isExpirySet}`, () => {
      const next = parametersAfter(0);
      const atoms = { session_id: "pg_catalog.text", user_id: "pg_catalog.text", ...atomColumns(isExpirySet) };
      const inserted = Object.keys(atoms).join();
      const heads = isMetadataSet
        ? { ...HEAD_TYPES, metadata: "pg_catalog.jsonb", metadata_ids: "pg_catalog.jsonb" }
        : HEAD_TYPES;
      return `
WITH inserted AS (
  INSERT INTO ${this.#scope.table.memories} (${inserted})
  SELECT ${inserted} FROM ${unnested(atoms, next)} AS atom
  ${this.#scope.isHinting ? "RETURNING session_id, id" : ""}
)${this.#scope.hints("inserted", false)}
INSERT INTO ${this.#scope.table.heads} AS head (${HEAD_TARGETS})
SELECT session_id, user_id, created_at, last_atom_id, ${recencyOf("last_atom_id")}, message_count, atom_count, deletion_count,
  id_xor, history_xor, ${isMetadataSet ? "metadata, metadata_ids" : "'{}', '{}'"}
FROM ${unnested(heads, next)} AS added
${updateHead(isMetadataSet, undefined, isOverruleRefused ? next() : undefined)}
RETURNING session_id AS "sessionId", history_xor AS "historyXor"`;
    });
  }

  /** Caches the texts of statements that every save uses. */
  #cached(key: string, textOf: () => string): Statement {
    let statement = this.#cache.get(key);
    if (statement === undefined) {
      statement = this.#scope.named(textOf());
      this.#cache.set(key, statement);
    }
    return statement;
  }
}

/** The parameters of an append after those that every head has, the first so many. */
function headParameters(
  count: number,
  isMetadataSet: boolean,
  isVersionExpected: boolean,
): { next: () => string; expected: string | undefined; metadata: string } {
  const next = parametersAfter(count);
  const expected = isVersionExpected ? next() : undefined;
  const metadata = isMetadataSet ? `${next()}::pg_catalog.jsonb, ${next()}::pg_catalog.jsonb` : "'{}', '{}'";
  return { next, expected, metadata };
}

/** The names of the parameters after the first so many, one after the other. */
function parametersAfter(count: number): () => string {
  let last = count;
  return () => `$${++last}`;
}

/** The columns of an atom beside its session and its user. */
function atomColumns(isExpirySet: boolean): Readonly<Record<string, string>> {
  return isExpirySet ? { ...ATOM_TYPES, expires_at: "pg_catalog.timestamptz" } : ATOM_TYPES;
}

const ATOM_TYPES = {
  id: "pg_catalog.uuid",
  memory_type: "pg_catalog.text",
  content: "pg_catalog.jsonb",
  metadata: "pg_catalog.jsonb",
  created_at: "pg_catalog.timestamptz",
};
const HEAD_TYPES = {
  session_id: "pg_catalog.text",
  user_id: "pg_catalog.text",
  created_at: "pg_catalog.timestamptz",
  last_atom_id: "pg_catalog.uuid",
  message_count: "integer",
  atom_count: "integer",
  deletion_count: "integer",
  id_xor: "bit(128)",
  history_xor: "bit(128)",
};

/** Rows of columns, each of which is an array in a parameter. */
function unnested(columns: Readonly<Record<string, string>>, next: () => string): string {
  return `(SELECT ${Object.entries(columns)
    .map(([name, type]) => `pg_catalog.unnest(${next()}::${type}[]) AS ${name}`)
    .join()})`;
}

/** Adds the inserted rows to the stored head, or makes the statement fail if the head is not as expected. */
function updateHead(isMetadataSet: boolean, expected: string | undefined, lastId: string | undefined): string {
  const isExpected = expected === undefined ? "" : `AND head.history_xor = ${expected}`;
  const condition = `${isExpected}${lastId === undefined ? "" : ` AND NOT EXISTS (${overruledBy(lastId)})`}`;
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

/** Selects the keys whose deciding id is after a given id and greater than the id of the new change. */
function overruledBy(lastId: string): string {
  const decided = `(head.metadata_ids ->> key) COLLATE pg_catalog."C"`;
  return `SELECT FROM pg_catalog.jsonb_object_keys(excluded.metadata_ids) AS given (key)
    WHERE ${decided} > ${lastId}::pg_catalog.text AND ${decided} > excluded.metadata_ids ->> key`;
}

/**
 * Whether a change is newer: for each key the greatest id wins, in any order of arrival (`metadata-projection.ts` in
 * SQL).
 */
const IS_NEWER = `(excluded.metadata_ids ->> key) COLLATE pg_catalog."C" > COALESCE(head.metadata_ids ->> key, '')`;
const MERGE_METADATA = `,
    metadata = (head.metadata - ARRAY(SELECT key FROM pg_catalog.jsonb_object_keys(excluded.metadata_ids) AS given (key) WHERE ${IS_NEWER}))
      || COALESCE((SELECT pg_catalog.jsonb_object_agg(key, value) FROM pg_catalog.jsonb_each(excluded.metadata) WHERE ${IS_NEWER}), '{}'),
    metadata_ids = head.metadata_ids
      || COALESCE((SELECT pg_catalog.jsonb_object_agg(key, value) FROM pg_catalog.jsonb_each(excluded.metadata_ids) WHERE ${IS_NEWER}), '{}')`;
