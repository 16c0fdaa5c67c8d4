import { recencyOf } from "@rivet/postgres-schema";
import type { Statement } from "../named-statements.ts";
import { CREATED_AT_MS, EXPIRES_AT_MS, HEAD_COLUMNS, HEAD_TARGETS, IS_MESSAGE, NIL, NO_BITS } from "./columns.ts";
import type { Scope } from "./scope.ts";

/** The steps of transactions that lock heads, look closer, and delete. */
export class ChangeStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * Makes sure that each session has a row in heads, to be locked: two writers of a session that is not there yet wait for
   * each other here. $1: session ids.
   */
  createHeads(): Statement {
    return this.#scope.named(`
INSERT INTO ${this.#scope.table.heads} (${HEAD_TARGETS})
SELECT session_id, '', pg_catalog.now(), ${NIL}, ${recencyOf(NIL)}, 0, 0, 0, ${NO_BITS}, ${NO_BITS}, '{}', '{}'
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS given (session_id) ORDER BY session_id COLLATE pg_catalog."C"
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
    return this.#scope.named(`
SELECT ${HEAD_COLUMNS}, deletion_count AS "deletionCount" FROM ${this.#scope.table.heads} WHERE ${condition}
ORDER BY session_id FOR UPDATE`);
  }

  /**
   * Those of the sessions that have a tombstone. It is a statement apart, as one that has waited for a lock sees other
   * tables as they were before. $1: session ids.
   */
  selectDeletedSessions(): Statement {
    return this.#scope.named(`
SELECT session_id AS "sessionId" FROM ${this.#scope.table.tombstones} WHERE session_id = ANY($1) AND id = ${NIL}`);
  }

  /**
   * Those of the atoms that are there, with all their columns, or that have a tombstone, with nothing but their names.
   * $1: session ids; $2: ids.
   */
  lookUp(): Statement {
    return this.#scope.named(`
SELECT session_id AS "sessionId", id, stored.user_id AS "userId", stored.memory_type AS "memoryType", stored.content,
  stored.metadata, ${CREATED_AT_MS}, ${EXPIRES_AT_MS}
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.uuid[])) AS given (session_id, id)
LEFT JOIN ${this.#scope.table.memories} AS stored USING (session_id, id)
LEFT JOIN ${this.#scope.table.tombstones} AS tombstone USING (session_id, id)
WHERE stored.user_id IS NOT NULL OR tombstone.deleted_at IS NOT NULL`);
  }

  /** Gives sessions without atoms to users. $1: session ids; $2: user ids. */
  claimHeads(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} AS head SET user_id = given.user_id, created_at = 'infinity'
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS given (session_id, user_id)
WHERE head.session_id = given.session_id AND atom_count = 0`);
  }

  /**
   * Deletes atoms and leaves a tombstone for each id, there or not. $1: session id; $2: ids; $3: when each was deleted,
   * or fewer than there are ids, for those deleted now.
   */
  deleteAtoms(): Statement {
    return this.#scope.named(`
WITH buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, deleted_at)
  SELECT $1, id, COALESCE(deleted_at, pg_catalog.now())
  FROM ROWS FROM (
    pg_catalog.unnest($2::pg_catalog.uuid[]), pg_catalog.unnest($3::pg_catalog.timestamptz[])
  ) AS given (id, deleted_at)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}
DELETE FROM ${this.#scope.table.memories} WHERE session_id = $1 AND id = ANY($2::pg_catalog.uuid[])
RETURNING id, memory_type AS "memoryType", ${CREATED_AT_MS}`);
  }

  /** Deletes the messages that a save clears, and leaves tombstones. $1: session id; $2 to $4: see `clearedBounds`. */
  deleteClearedMessages(): Statement {
    return this.#scope.named(`
WITH deleted AS (
  DELETE FROM ${this.#scope.table.memories} WHERE session_id = $1 AND (id <= $2 OR id > $3 AND id <= $4) AND ${IS_MESSAGE}
  RETURNING id, memory_type, created_at
), buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, deleted_at)
  SELECT $1, id, pg_catalog.now() FROM deleted ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}
SELECT id, memory_type AS "memoryType", ${CREATED_AT_MS} FROM deleted`);
  }

  /** $1: session id. */
  selectLastAtomId(): Statement {
    return this.#scope.named(
      `SELECT id FROM ${this.#scope.table.memories} WHERE session_id = $1 ORDER BY id DESC LIMIT 1`,
    );
  }

  /** When the earliest atom of a session was created. It reads all of them. $1: session id. */
  selectEarliest(): Statement {
    return this.#scope.named(`
SELECT pg_catalog.date_part('epoch', pg_catalog.min(created_at)) * 1000::double precision AS "createdAtMs" FROM ${this.#scope.table.memories} WHERE session_id = $1`);
  }

  /** Writes a head after a deletion. $1: session id; $2 to $10: the columns, in their order here. */
  updateHeadAfterDelete(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} SET user_id = $2, last_atom_id = $3, recency = ${recencyOf("$3::pg_catalog.uuid")}, message_count = $4, atom_count = $5, id_xor = $6,
  history_xor = $7, metadata = $8, metadata_ids = $9, created_at = $10, deletion_count = deletion_count + 1
WHERE session_id = $1`);
  }

  /** Makes heads those of sessions without atoms. $1: session ids. */
  emptyHeads(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} SET user_id = '', last_atom_id = ${NIL}, recency = ${recencyOf(NIL)}, message_count = 0, atom_count = 0,
  id_xor = ${NO_BITS}, history_xor = ${NO_BITS}, metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1
WHERE session_id = ANY($1)`);
  }

  /**
   * Removes all of some sessions but their heads, and leaves the one tombstone that stands for each. $1: session ids; $2:
   * as $3 of `deleteAtoms`.
   */
  deleteSessions(): Statement {
    return this.#scope.named(`
WITH dug_up AS (
  DELETE FROM ${this.#scope.table.tombstones} WHERE session_id = ANY($1) AND id <> ${NIL}
), buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, deleted_at)
  SELECT session_id, ${NIL}, COALESCE(deleted_at, pg_catalog.now())
  FROM ROWS FROM (
    pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.timestamptz[])
  ) AS given (session_id, deleted_at) ORDER BY session_id COLLATE pg_catalog."C"
  ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}
DELETE FROM ${this.#scope.table.memories} WHERE session_id = ANY($1)`);
  }
}
