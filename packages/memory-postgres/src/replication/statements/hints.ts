import { SESSION_METADATA } from "@rivet/memory-core";
import { bitsOf } from "@rivet/postgres-schema";
import type { Statement } from "../../statements/named-statements.ts";
import { EXPIRES_AT_MS, IS_MESSAGE, NIL, NO_BITS } from "../../statements/columns.ts";
import type { Scope } from "../../statements/scope.ts";
import { DELETED_AT_MS, OWNER } from "./columns.ts";

/** Replaces JSON of the wrong type, so that a damaged change has no effect and blocks nothing. */
const ifType = (json: string, type: string, otherwise: string): string =>
  `CASE WHEN pg_catalog.jsonb_typeof(${json}) = '${type}' THEN ${json} ELSE '${otherwise}' END`;

/**
 * The bytes that an atom sends. Content stored in few bytes is small, or was compressed to no less than a hundredth, so
 * only larger content is worth decompressing for an exact size.
 */
const SENT_BYTES =
  "CASE WHEN pg_catalog.pg_column_size(content) < 8192 THEN pg_catalog.pg_column_size(content) ELSE pg_catalog.octet_length(content::pg_catalog.text) END";

// The parts of a page, in the order of its keys.
const list = (column: string): string => `pg_catalog.array_agg(${column} ORDER BY session_id, id, is_tombstone)`;
/** In the binary format, in which another server takes it as it is. */
const packed = (column: string): string => `pg_catalog.encode(pg_catalog.array_send(${list(column)}), 'base64')`;
const packedOfHeads = (column: string): string =>
  `pg_catalog.encode(pg_catalog.array_send(pg_catalog.array_agg(${column} ORDER BY session_id)), 'base64')`;

/**
 * Whether id and names are plain: a valid id, and no escapes, which may include ones that this project never writes.
 */
const IS_PLAIN = `id::pg_catalog.text ~ '^.{14}7.{4}[89ab]'
      AND pg_catalog.strpos(session_id || user_id || memory_type, pg_catalog.chr(16)) = 0`;

/** Statements on hints, on the facts that they name, and on dead letters. */
export class HintStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * Selects a page of hints in the order of their keys. Beyond the first, their facts take at most `$6` bytes. Hints of
   * atoms with more than `$9` bytes are skipped, and returned in `large`. $1: target; $2, $3, $4: the key after which
   * the page begins; $5: the most hints; $7: the UUID of the requesting process, which holds a lease to deliver them
   * for the next `$8` milliseconds. While another process holds the lease, the page is empty and `isLeft` is true; such
   * a request costs next to nothing, because many processes may make it.
   *
   * The keys are found one by one in the index. Without statistics, which this table rarely has, the planner would
   * otherwise sort all hints for each page.
   *
   * It gives one row: the keys, and what they name as the values of `appendToSessions`, so that it goes from server to
   * server without being taken apart on the way: heads are folded as the core's `headAfterInsert` does. `isPlain` says
   * whether that is all there is to it: atoms, and no deletions, and none whose id or names have to be looked at.
   */
  selectHints(): Statement {
    return this.#scope.named(`
WITH RECURSIVE lease AS (
  UPDATE ${this.#scope.table.store} SET drainer = $7, drainer_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $8 / 1000.0)
  WHERE (drainer = $7 OR drainer_until IS NULL OR drainer_until < pg_catalog.clock_timestamp())
    AND EXISTS (${this.#nextHint("$2::pg_catalog.text", "$3::pg_catalog.uuid", "$4::boolean")})
  RETURNING 1
), step AS (
  SELECT $2::pg_catalog.text COLLATE pg_catalog."C" AS session_id, $3::pg_catalog.uuid AS id, $4::boolean AS is_tombstone, 0 AS number FROM lease
  UNION ALL
  SELECT next.*, number + 1 FROM step CROSS JOIN LATERAL (
    ${this.#nextHint("step.session_id", "step.id", "step.is_tombstone")}
  ) AS next
  WHERE number < $5
), hint AS (
  SELECT session_id, id, is_tombstone FROM step WHERE number > 0
), named AS (
  SELECT hint.*, user_id, memory_type, content, metadata, created_at, expires_at, ${bitsOf("hint.id")} AS bits,
    COALESCE(${SENT_BYTES}, 0) AS bytes
  FROM hint LEFT JOIN LATERAL (${this.#atomOf("hint")}) AS atom ON NOT is_tombstone
), seen AS (
  SELECT * FROM (
    SELECT *, pg_catalog.sum(CASE WHEN bytes > $9::integer THEN 0 ELSE bytes END) OVER (ORDER BY session_id, id, is_tombstone)
      - CASE WHEN bytes > $9::integer THEN 0 ELSE bytes END AS bytes_before
    FROM named
  ) AS counted
  WHERE bytes_before <= $6
), fact AS (
  SELECT * FROM seen WHERE bytes <= $9::integer
), change AS (
  SELECT session_id, id, key, value FROM fact CROSS JOIN LATERAL (
    SELECT key, value FROM pg_catalog.jsonb_each(${ifType("content -> 'set'::pg_catalog.text", "object", "{}")})
    UNION ALL
    SELECT key, NULL FROM pg_catalog.jsonb_array_elements_text(${ifType("content -> 'removed'::pg_catalog.text", "array", "[]")}) AS key
  ) AS change
  WHERE memory_type = '${SESSION_METADATA}'
), decided AS (
  SELECT session_id, COALESCE(pg_catalog.jsonb_object_agg(key, value) FILTER (WHERE value IS NOT NULL), '{}') AS metadata,
    pg_catalog.jsonb_object_agg(key, id) AS metadata_ids
  FROM (SELECT DISTINCT ON (session_id, key) * FROM change ORDER BY session_id, key, id DESC) AS latest
  GROUP BY session_id
), head AS (
  SELECT session_id, pg_catalog.min(user_id) AS user_id, pg_catalog.min(created_at) AS created_at, pg_catalog.max(id::pg_catalog.text COLLATE pg_catalog."C") AS last_atom_id,
    pg_catalog.count(*) FILTER (WHERE ${IS_MESSAGE}) AS message_count, pg_catalog.count(*) AS atom_count, pg_catalog.bit_xor(bits) AS id_xor,
    COALESCE(pg_catalog.bit_xor(bits) FILTER (WHERE ${IS_MESSAGE} OR memory_type = '${SESSION_METADATA}'), ${NO_BITS}) AS history_xor,
    COALESCE(pg_catalog.min(decided.metadata::pg_catalog.text), '{}') AS metadata, COALESCE(pg_catalog.min(metadata_ids::pg_catalog.text), '{}') AS metadata_ids
  FROM fact LEFT JOIN decided USING (session_id) GROUP BY session_id
)
SELECT atoms.*, heads.*,
  NOT EXISTS (SELECT FROM lease) AND EXISTS (${this.#nextHint("$2::pg_catalog.text", "$3::pg_catalog.uuid", "$4::boolean")}) AS "isLeft",
  (SELECT pg_catalog.count(*) FROM hint) = $5 OR (SELECT pg_catalog.count(*) FROM hint) > seen.count AS "hasMore",
  seen."lastSessionId", seen."lastId", seen."isLastTombstone", seen.large
FROM (
  SELECT pg_catalog.count(*) AS count,
    COALESCE(pg_catalog.bool_and(memory_type IS NOT NULL AND ${IS_PLAIN}), false) AS "isPlain",
    ${list("session_id")} AS "sessionIds", ${list("id")} AS ids, ${list("is_tombstone")} AS "areTombstones",
    ${packed("session_id")} AS "packedSessionIds", ${packed("user_id")} AS "userIds", ${packed("id")} AS "packedIds",
    ${packed("memory_type")} AS "memoryTypes", ${packed("content")} AS contents, ${packed("metadata")} AS metadata,
    ${packed("created_at")} AS "createdAt", ${packed("expires_at")} AS "expiresAt"
  FROM fact
) AS atoms, (
  SELECT pg_catalog.count(*) AS count, pg_catalog.max(session_id) AS "lastSessionId",
    (pg_catalog.array_agg(id ORDER BY session_id DESC, id DESC))[1] AS "lastId",
    (pg_catalog.array_agg(is_tombstone ORDER BY session_id DESC, id DESC, is_tombstone DESC))[1] AS "isLastTombstone",
    pg_catalog.json_agg(pg_catalog.json_build_array(session_id, id)) FILTER (WHERE bytes > $9::integer) AS large
  FROM seen
) AS seen, (
  SELECT ${packedOfHeads("session_id")} AS "headSessionIds", ${packedOfHeads("user_id")} AS "headUserIds",
    ${packedOfHeads("created_at")} AS "headCreatedAt", ${packedOfHeads("last_atom_id::pg_catalog.uuid")} AS "lastAtomIds",
    ${packedOfHeads("message_count::integer")} AS "messageCounts", ${packedOfHeads("atom_count::integer")} AS "atomCounts",
    ${packedOfHeads("0")} AS "deletionCounts", ${packedOfHeads("id_xor")} AS "idXors",
    ${packedOfHeads("history_xor")} AS "historyXors", ${packedOfHeads("metadata::pg_catalog.jsonb")} AS "headMetadata",
    ${packedOfHeads("metadata_ids::pg_catalog.jsonb")} AS "metadataIds"
  FROM head
) AS heads`);
  }

  /** Lets another process deliver hints. $1: the UUID of the process that delivered them until now. */
  release(): Statement {
    return this.#scope.named(`UPDATE ${this.#scope.table.store} SET drainer_until = NULL WHERE drainer = $1`);
  }

  /** Selects the facts that hints name, as far as they still exist. $1, $2, $3: their keys, by column. */
  selectFacts(): Statement {
    return this.#scope.named(`
SELECT hint.session_id AS "sessionId", hint.id, user_id AS "userId", memory_type AS "memoryType", content, metadata,
  pg_catalog.date_part('epoch', created_at) * 1000::double precision AS "createdAtMs", ${EXPIRES_AT_MS}, ${DELETED_AT_MS}, ${OWNER}
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.uuid[]), pg_catalog.unnest($3::boolean[])
) AS hint (session_id, id, is_tombstone)
LEFT JOIN LATERAL (${this.#atomOf("hint")}) AS atom ON NOT is_tombstone
LEFT JOIN LATERAL (
  -- Of every owner. The OFFSET has each found in the index by its key.
  SELECT deleted_at, owner FROM ${this.#scope.table.tombstones} WHERE session_id = hint.session_id AND id = hint.id OFFSET 0
) AS tombstone ON is_tombstone
ORDER BY hint.session_id COLLATE pg_catalog."C", hint.id, owner`);
  }

  /**
   * Moves hints from a target to others. $1: target; $2, $3, $4: the keys, by column; $5: the names of the others; $6:
   * the UUID of the delivering process, if these were the last hints: then another process may be the next.
   */
  settleHints(): Statement {
    return this.#scope.named(`
WITH settled AS (
  DELETE FROM ${this.#scope.table.hints} WHERE target = $1 AND ctid = ANY(ARRAY(
    SELECT hint.ctid
    FROM ROWS FROM (
      pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.uuid[]),
      pg_catalog.unnest($4::boolean[])
    ) AS given (session_id, id, is_tombstone)
    CROSS JOIN LATERAL (
      SELECT ctid FROM ${this.#scope.table.hints} AS hint
      WHERE target = $1 AND hint.session_id = given.session_id AND hint.id = given.id
        AND hint.is_tombstone = given.is_tombstone
      LIMIT 1
    ) AS hint
  ))
  RETURNING session_id, id, is_tombstone
), released AS (
  UPDATE ${this.#scope.table.store} SET drainer_until = NULL WHERE drainer = $6::pg_catalog.uuid
)
INSERT INTO ${this.#scope.table.hints} (target, session_id, id, is_tombstone)
SELECT target, session_id, id, is_tombstone FROM settled CROSS JOIN pg_catalog.unnest($5::pg_catalog.text[]) AS other (target)
ORDER BY target, session_id, id ON CONFLICT DO NOTHING`);
  }

  /**
   * Drops hints of a target: those of atoms older than `$2` (an id), and beyond the `$3` first ones; then the peers
   * that `$4` names need a repair. Gives how many were `dropped`.
   */
  dropHints(): Statement {
    return this.#scope.named(`
WITH dropped AS (
  DELETE FROM ${this.#scope.table.hints} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ${this.#scope.table.hints} WHERE target = $1 AND id < $2 AND id <> ${NIL}
    UNION ALL
    (SELECT ctid FROM ${this.#scope.table.hints} WHERE target = $1 ORDER BY session_id, id OFFSET $3)
  )) AND target = $1
  RETURNING 1
), marked AS (
  INSERT INTO ${this.#scope.table.peers} (name, needs_repair)
  SELECT name, true FROM pg_catalog.unnest($4::pg_catalog.text[]) AS lacking (name) WHERE EXISTS (SELECT FROM dropped)
  ORDER BY name COLLATE pg_catalog."C" ON CONFLICT (name) DO UPDATE SET needs_repair = true
)
SELECT pg_catalog.count(*) AS dropped FROM dropped`);
  }

  /** Counts the hints of each target, and selects the least id among them, which contains the time of the oldest. */
  countHints(): Statement {
    return this.#scope.named(`
SELECT target, pg_catalog.count(*) AS hints, pg_catalog.min(id::pg_catalog.text COLLATE pg_catalog."C") FILTER (WHERE id <> ${NIL}) AS "oldestId"
FROM ${this.#scope.table.hints} GROUP BY target`);
  }

  /** $1: target; then columns: $2: session ids; $3: ids; $4: codes; $5: messages. */
  insertDeadLetters(): Statement {
    return this.#scope.named(`
INSERT INTO ${this.#scope.table.deadLetters} (target, session_id, id, code, message, failed_at)
SELECT $1, session_id, id, code, message, pg_catalog.now()
FROM ROWS FROM (
  pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.uuid[]),
  pg_catalog.unnest($4::pg_catalog.text[]), pg_catalog.unnest($5::pg_catalog.text[])
) AS letter (session_id, id, code, message)
ON CONFLICT (target, session_id, id) DO UPDATE SET code = excluded.code, message = excluded.message, failed_at = pg_catalog.now()`);
  }

  selectDeadLetters(): Statement {
    return this.#scope.named(`
SELECT target, session_id AS "sessionId", id, code, message, pg_catalog.date_part('epoch', failed_at) * 1000::double precision AS "failedAtMs"
FROM ${this.#scope.table.deadLetters} ORDER BY failed_at DESC LIMIT $1`);
  }

  countDeadLetters(): Statement {
    return this.#scope.named(
      `SELECT target, pg_catalog.count(*) AS letters FROM ${this.#scope.table.deadLetters} GROUP BY target`,
    );
  }

  /** The first hint of the target `$1` after a key. */
  #nextHint(sessionId: string, id: string, isTombstone: string): string {
    return `SELECT session_id, id, is_tombstone FROM ${this.#scope.table.hints} AS hint
    WHERE target = $1 AND (hint.session_id, hint.id, hint.is_tombstone) > (${sessionId}, ${id}, ${isTombstone})
    ORDER BY session_id, id, is_tombstone LIMIT 1`;
  }

  /** Selects atoms by key, one by one, because without statistics the planner would read the whole table for a page. */
  #atomOf(key: string): string {
    return `
    SELECT user_id, memory_type, content, metadata, created_at, expires_at FROM ${this.#scope.table.memories}
    WHERE session_id = ${key}.session_id AND id = ${key}.id LIMIT 1`;
  }
}
