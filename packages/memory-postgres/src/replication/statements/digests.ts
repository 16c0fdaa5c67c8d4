import { NIL_ID, UNKNOWN_OWNER, type TombstoneSelection } from "@rivet/memory-core";
import { ownerFromText } from "@rivet/postgres-schema";
import type { Query, Statement } from "../../statements/named-statements.ts";
import { NO_BITS } from "../../statements/columns.ts";
import type { Scope } from "../../statements/scope.ts";
import { DELETED_AT_MS, idText, OWNER } from "./columns.ts";

/** `digestOfTombstone` of the core, as bits. */
const DIGEST_OF_TOMBSTONE = `('x' || pg_catalog.substr(pg_catalog.encode(
      pg_catalog.sha256(pg_catalog.uuid_send(id) OPERATOR(pg_catalog.||) owner), 'hex'), 1, 32))::bit(128)`;

/**
 * Statements for comparing two stores: the server computes `hashOfSession` of the core, and selects the differences.
 */
export class DigestStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** $1: session id; $2: sessions a range; $3: sessions in all. */
  selectRanges(): Statement {
    return this.#scope.named(`
SELECT pg_catalog.max(session_id) AS through, ${idText("pg_catalog.bit_xor(hash)")} AS digest
FROM (
  SELECT session_id, hash, (pg_catalog.row_number() OVER (ORDER BY session_id) - 1) / $2::bigint AS part
  FROM (${this.#hashes("session_id > $1", "ORDER BY session_id LIMIT $3")}) AS session
) AS session
GROUP BY part ORDER BY part`);
  }

  /** One digest for each range. $1: the sessions after which they begin; $2: those with which they end. */
  selectDigests(): Statement {
    const hashes = this.#hashes("session_id > range.after AND session_id <= range.through", "");
    return this.#scope.named(`
SELECT ${idText(`COALESCE((SELECT pg_catalog.bit_xor(hash) FROM (${hashes}) AS session), ${NO_BITS})`)} AS digest
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
) WITH ORDINALITY AS range (after, through, number) ORDER BY number`);
  }

  /** $1: after; $2: through, or null; $3: limit. */
  selectSessions(): Statement {
    return this.#scope.named(`
SELECT session_id AS "sessionId", atom_count AS "atomCount", ${idText("id_xor")} AS "idXor",
  tombstone_count AS "tombstoneCount", ${idText("tombstone_xor")} AS "tombstoneXor"
FROM (${this.#sessions("session_id > $1 AND ($2::pg_catalog.text IS NULL OR session_id <= $2::pg_catalog.text)")}) AS session
ORDER BY session_id LIMIT $3`);
  }

  /** Newest first. $1: session id; $2: before; $3: limit. */
  selectAtomIds(): Statement {
    return this.#scope.named(`
SELECT id FROM ${this.#scope.table.memories} WHERE session_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`);
  }

  /** Selects the ids that are stored. $1: session id; $2: ids. */
  selectHeldIds(): Statement {
    return this.#scope.named(
      `SELECT id FROM ${this.#scope.table.memories} WHERE session_id = $1 AND id = ANY($2::pg_catalog.uuid[])`,
    );
  }

  selectTombstones({ sessionId, after, limit }: TombstoneSelection): Query {
    const from = after === undefined ? ">=" : ">";
    const condition =
      sessionId === undefined
        ? `(session_id, id, owner) ${from} ($1, $2, ${ownerFromText("$4")})`
        : `session_id = $1 AND (id, owner) ${from} ($2, ${ownerFromText("$4")})`;
    const statement = this.#scope.named(`
SELECT session_id AS "sessionId", id, ${OWNER}, ${DELETED_AT_MS} FROM ${this.#scope.table.tombstones} AS tombstone
WHERE ${condition} ORDER BY session_id, id, tombstone.owner LIMIT $3`);
    const values = [sessionId ?? after?.sessionId ?? "", after?.id ?? NIL_ID, limit, after?.owner ?? UNKNOWN_OWNER];
    return { statement, values };
  }

  /** Sessions that hold something. A head stays when a session has lost all, and tombstones have one too. */
  #sessions(condition: string): string {
    return `
  SELECT session_id, atom_count, id_xor, tombstone_count::integer, COALESCE(tombstone_xor, ${NO_BITS}) AS tombstone_xor
  FROM ${this.#scope.table.heads} AS head CROSS JOIN LATERAL (
    SELECT pg_catalog.count(*) AS tombstone_count, pg_catalog.bit_xor(${DIGEST_OF_TOMBSTONE}) AS tombstone_xor
    FROM ${this.#scope.table.tombstones} AS tombstone WHERE tombstone.session_id = head.session_id
  ) AS buried
  WHERE ${condition} AND (atom_count > 0 OR tombstone_count > 0)`;
  }

  #hashes(condition: string, rest: string): string {
    const parts = ["atom_count", idText("id_xor"), "tombstone_count", idText("tombstone_xor"), "session_id"];
    const text = `pg_catalog.concat_ws(E'\\n', ${parts.join(", ")})`;
    return `
SELECT session_id, ('x' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${text}, 'UTF8')), 'hex'), 1, 32))::bit(128) AS hash
FROM (${this.#sessions(condition)}) AS held ${rest}`;
  }
}
