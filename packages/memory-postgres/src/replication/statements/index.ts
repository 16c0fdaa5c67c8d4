/** The SQL of replication. */
import { Scope } from "../../statements/scope.ts";
import type { TablePlaces } from "../../providers/table-places.ts";
import { DigestStatements } from "./digests.ts";
import { HintStatements } from "./hints.ts";
import { PeerStatements } from "./peers.ts";

/** The statements on the tables of one schema. */
export class ReplicationStatements {
  readonly hints: HintStatements;
  readonly peers: PeerStatements;
  readonly digests: DigestStatements;

  constructor(places: TablePlaces) {
    // Writes of replication leave no hints except those that its statements name.
    const scope = new Scope(places, false);
    this.hints = new HintStatements(scope);
    this.peers = new PeerStatements(scope);
    this.digests = new DigestStatements(scope);
  }
}
