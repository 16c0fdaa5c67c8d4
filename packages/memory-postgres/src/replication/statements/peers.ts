import type { Statement } from "../../statements/named-statements.ts";
import type { Scope } from "../../statements/scope.ts";

/** Statements on a store's records about the others, and on its own heartbeat. */
export class PeerStatements {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  selectPeers(): Statement {
    return this.#scope.named(`
SELECT name, pg_catalog.date_part('epoch', heartbeat) * 1000::double precision AS "heartbeatMs", needs_repair AS "needsRepair",
  pg_catalog.date_part('epoch', drained_at) * 1000::double precision AS "drainedAtMs", pg_catalog.date_part('epoch', repaired_at) * 1000::double precision AS "repairedAtMs"
FROM ${this.#scope.table.peers}`);
  }

  /**
   * Notes what is known of a peer; what is null stays as it was. $1: name; $2: heartbeat in ms; $3: needs repair; $4:
   * drained; $5: repaired.
   */
  notePeer(): Statement {
    return this.#scope.named(`
INSERT INTO ${this.#scope.table.peers} AS peer (name, heartbeat, needs_repair, drained_at, repaired_at)
VALUES ($1, pg_catalog.to_timestamp($2::double precision / 1000::double precision), COALESCE($3::boolean, false),
  CASE WHEN $4::boolean THEN pg_catalog.now() END, CASE WHEN $5::boolean THEN pg_catalog.now() END)
ON CONFLICT (name) DO UPDATE SET
  heartbeat = CASE WHEN $5::boolean THEN excluded.heartbeat ELSE GREATEST(peer.heartbeat, excluded.heartbeat) END,
  needs_repair = COALESCE($3::boolean, peer.needs_repair),
  drained_at = COALESCE(excluded.drained_at, peer.drained_at),
  repaired_at = COALESCE(excluded.repaired_at, peer.repaired_at)`);
  }

  selectHeartbeat(): Statement {
    return this.#scope.named(
      `SELECT pg_catalog.date_part('epoch', heartbeat) * 1000::double precision AS "heartbeatMs" FROM ${this.#scope.table.store}`,
    );
  }

  /** Advances the heartbeat, unless another process is doing so. */
  beat(): Statement {
    return this.#scope.named(`
UPDATE ${this.#scope.table.store} SET heartbeat = GREATEST(pg_catalog.now(), heartbeat + interval '1 millisecond')
WHERE store_uuid IN (SELECT store_uuid FROM ${this.#scope.table.store} FOR UPDATE SKIP LOCKED)
RETURNING pg_catalog.date_part('epoch', heartbeat) * 1000::double precision AS "heartbeatMs"`);
  }
}
