import { NO_OWNER, ownerFromText, ownerText, recencyOf } from "@rivet/postgres-schema";
import type { Statement } from "./named-statements.ts";
import { CREATED_AT_MS, EXPIRES_AT_MS, HEAD_COLUMNS, HEAD_TARGETS, IS_MESSAGE, NIL, NO_BITS } from "./columns.ts";
import type { Scope } from "./scope.ts";

/** Statements of the transactions that lock heads, read stored rows, and delete. */
export class ChangeStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * Makes sure that each session has a row in heads, to be locked: two writers of a session that is not there yet wait
   * for each other here. $1: session ids.
   */
  createHeads(): Statement {
    return this.#scope.named(`
INSERT INTO ${this.#scope.table.heads} (${HEAD_TARGETS})
SELECT session_id, '', pg_catalog.now(), ${NIL}, ${recencyOf(NIL)}, 0, 0, 0, ${NO_BITS}, ${NO_BITS}, '{}', '{}'
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS given (session_id) ORDER BY session_id COLLATE pg_catalog."C"
ON CONFLICT DO NOTHING`);
  }

  /**
   * Locks heads, in the same order in every process, and returns them with `deletionCount`, as of the lock. A head
   * created meanwhile is neither locked nor returned. $1: session ids.
   */
  lockHeads(): Statement {
    return this.#lock("session_id = ANY($1)");
  }

  /** The same for the sessions of a user, those too without atoms. $1: user id. */
  lockHeadsOfUser(): Statement {
    return this.#lock("user_id = $1");
  }

  #lock(condition: string): Statement {
    return this.#scope.named(`
SELECT ${HEAD_COLUMNS}, deletion_count AS "deletionCount", is_deleted AS "isDeleted" FROM ${this.#scope.table.heads} WHERE ${condition}
ORDER BY session_id FOR UPDATE`);
  }

  /**
   * The owners who have deleted the sessions: those of the tombstones of whole sessions. It is a statement apart, as
   * one that has waited for a lock sees other tables as they were before. $1: session ids.
   */
  selectDeletedSessions(): Statement {
    return this.#scope.named(`
SELECT session_id AS "sessionId", ${ownerText("owner")} AS owner FROM ${this.#scope.table.tombstones}
WHERE session_id = ANY($1) AND id = ${NIL}`);
  }

  /**
   * Selects the stored atoms with all their columns, and the atoms that have a tombstone of their owner with only their
   * keys. $1: session ids; $2: ids; $3: owners.
   */
  lookUp(): Statement {
    return this.#scope.named(`
SELECT given.session_id AS "sessionId", given.id, stored.user_id AS "userId", stored.memory_type AS "memoryType", stored.content,
  stored.metadata, ${CREATED_AT_MS}, ${EXPIRES_AT_MS}
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.uuid[]),
  pg_catalog.unnest($3::pg_catalog.text[])) AS given (session_id, id, owner)
LEFT JOIN ${this.#scope.table.memories} AS stored ON stored.session_id = given.session_id AND stored.id = given.id
LEFT JOIN ${this.#scope.table.tombstones} AS tombstone ON tombstone.session_id = given.session_id AND tombstone.id = given.id
  AND (tombstone.owner = ${ownerFromText("given.owner")} OR tombstone.owner = ${NO_OWNER})
WHERE stored.user_id IS NOT NULL OR tombstone.deleted_at IS NOT NULL`);
  }

  /** Assigns sessions without atoms to users. $1: session ids; $2: user ids. */
  claimHeads(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} AS head SET user_id = given.user_id, created_at = 'infinity'
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS given (session_id, user_id)
WHERE head.session_id = given.session_id AND atom_count = 0`);
  }

  /**
   * Deletes atoms and leaves a tombstone for each id, there or not. $1: session id; $2: ids; $3: when each was deleted,
   * or fewer than there are ids, for those deleted now; $4: the owner.
   */
  deleteAtoms(): Statement {
    return this.#scope.named(`
WITH buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, owner, deleted_at)
  SELECT $1, id, ${ownerFromText("$4")}, COALESCE(deleted_at, pg_catalog.now())
  FROM ROWS FROM (
    pg_catalog.unnest($2::pg_catalog.uuid[]), pg_catalog.unnest($3::pg_catalog.timestamptz[])
  ) AS given (id, deleted_at)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}
DELETE FROM ${this.#scope.table.memories} WHERE session_id = $1 AND id = ANY($2::pg_catalog.uuid[])
RETURNING id, memory_type AS "memoryType", ${CREATED_AT_MS}`);
  }

  /**
   * Deletes the messages that a save clears, and leaves tombstones. $1: session id; $2 to $4: see `clearedBounds`; $5:
   * the owner.
   */
  deleteClearedMessages(): Statement {
    return this.#scope.named(`
WITH deleted AS (
  DELETE FROM ${this.#scope.table.memories} WHERE session_id = $1 AND (id <= $2 OR id > $3 AND id <= $4) AND ${IS_MESSAGE}
  RETURNING id, memory_type, created_at
), buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, owner, deleted_at)
  SELECT $1, id, ${ownerFromText("$5")}, pg_catalog.now() FROM deleted ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
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

  /** Empties the heads of sessions that have no atoms left but keep their owners. $1: session ids. */
  emptyHeads(): Statement {
    return this.#emptyHeads("created_at = 'infinity'");
  }

  /** Empties the heads of deleted sessions, including their owners. $1: session ids. */
  forgetHeads(): Statement {
    return this.#emptyHeads("created_at = 'infinity', user_id = '', is_deleted = true");
  }

  #emptyHeads(more: string): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} SET ${more}, last_atom_id = ${NIL}, recency = ${recencyOf(NIL)}, message_count = 0, atom_count = 0,
  id_xor = ${NO_BITS}, history_xor = ${NO_BITS}, metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1
WHERE session_id = ANY($1)`);
  }

  /** Increments the deletion counts of heads, so that the next append checks the tombstones. $1: session ids. */
  countDeletions(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.heads} SET deletion_count = deletion_count + 1 WHERE session_id = ANY($1)`);
  }

  /**
   * Removes all of some sessions but their heads, and leaves the one tombstone that stands for each. $1, $2, $3: as
   * those of `buryWholes`.
   */
  deleteSessions(): Statement {
    return this.#scope.named(`
WITH ${this.#buryWholes()}
DELETE FROM ${this.#scope.table.memories} WHERE session_id = ANY($1)`);
  }

  /**
   * Leaves the tombstones of whole sessions, each in the place of all that it stands for. $1: session ids; $2: when
   * each was deleted, as $3 of `deleteAtoms`; $3: their owners.
   */
  buryWholes(): Statement {
    return this.#scope.named(`
WITH ${this.#buryWholes()}
SELECT FROM buried`);
  }

  #buryWholes(): string {
    const { tombstones } = this.#scope.table;
    return `given AS (
  SELECT session_id, deleted_at, ${ownerFromText("owner")} AS owner
  FROM ROWS FROM (
    pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.timestamptz[]),
    pg_catalog.unnest($3::pg_catalog.text[])
  ) AS given (session_id, deleted_at, owner)
), dug_up AS (
  DELETE FROM ${tombstones} AS tombstone USING given WHERE tombstone.session_id = given.session_id
    AND (tombstone.owner = given.owner AND id <> ${NIL} OR given.owner = ${NO_OWNER} AND tombstone.owner <> ${NO_OWNER})
), buried AS (
  INSERT INTO ${tombstones} (session_id, id, owner, deleted_at)
  SELECT session_id, ${NIL}, owner, COALESCE(deleted_at, pg_catalog.now()) FROM given ORDER BY session_id COLLATE pg_catalog."C"
  ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}`;
  }

  /** Leaves tombstones, and deletes nothing. $1: session id; $2: ids; $3: when each was deleted; $4: the owner. */
  buryAtoms(): Statement {
    return this.#scope.named(`
WITH buried AS (
  INSERT INTO ${this.#scope.table.tombstones} (session_id, id, owner, deleted_at)
  SELECT $1, id, ${ownerFromText("$4")}, deleted_at
  FROM ROWS FROM (
    pg_catalog.unnest($2::pg_catalog.uuid[]), pg_catalog.unnest($3::pg_catalog.timestamptz[])
  ) AS given (id, deleted_at)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
)${this.#scope.hints("buried", true)}
SELECT FROM buried`);
  }
}
