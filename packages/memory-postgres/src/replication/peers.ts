/** The records that each store keeps about the others, so that they survive a restart. */
import type { DatabaseManager } from "@rivet/db-manager";
import { text, type TextRow } from "../statements/rows.ts";
import type { ReplicationStatements } from "./statements/index.ts";
import { OWN_STATEMENT } from "../providers/store.ts";

/** The record of one store about another. */
export interface Peer {
  readonly name: string;
  readonly heartbeatMs: number | undefined;
  /** Whether hints towards it were dropped. */
  readonly needsRepair: boolean;
  readonly drainedAt: Date | undefined;
  readonly repairedAt: Date | undefined;
}

/** An update of a peer's record; omitted fields stay unchanged. */
export interface PeerNote {
  readonly heartbeatMs?: number | undefined;
  readonly needsRepair?: boolean;
  readonly isDrained?: boolean;
  readonly isRepaired?: boolean;
}

export class Peers {
  readonly #db: DatabaseManager;
  readonly #statements: ReplicationStatements;

  constructor(db: DatabaseManager, statements: ReplicationStatements) {
    this.#db = db;
    this.#statements = statements;
  }

  /** Returns the records of a store. */
  async of(store: string): Promise<Peer[]> {
    const rows = await this.#query(store, this.#statements.peers.selectPeers(), []);
    return rows.map((row) => ({
      name: text(row, "name"),
      heartbeatMs: numberOf(row, "heartbeatMs"),
      needsRepair: text(row, "needsRepair") === "t",
      drainedAt: dateOf(row, "drainedAtMs"),
      repairedAt: dateOf(row, "repairedAtMs"),
    }));
  }

  async note(store: string, peer: string, note: PeerNote): Promise<void> {
    const { heartbeatMs, needsRepair, isDrained, isRepaired } = note;
    const values = [peer, heartbeatMs ?? null, needsRepair ?? null, isDrained ?? null, isRepaired ?? null];
    await this.#query(store, this.#statements.peers.notePeer(), values);
  }

  /**
   * Drops hints that are too old or too many, and records in the same step that their targets need a repair.
   *
   * @returns the number of dropped hints.
   */
  async dropHints(
    store: string,
    {
      target,
      oldestId,
      maxHints,
      lacking,
    }: {
      readonly target: string;
      readonly oldestId: string;
      readonly maxHints: number;
      readonly lacking: readonly string[];
    },
  ): Promise<number> {
    const [row] = await this.#query(store, this.#statements.hints.dropHints(), [target, oldestId, maxHints, lacking]);
    return (row && numberOf(row, "dropped")) ?? 0;
  }

  /** Returns a store's own heartbeat. */
  async heartbeatMs(store: string): Promise<number | undefined> {
    const [row] = await this.#query(store, this.#statements.peers.selectHeartbeat(), []);
    return row && numberOf(row, "heartbeatMs");
  }

  /** Advances a store's heartbeat. @returns undefined while another process does so. */
  async beat(store: string): Promise<number | undefined> {
    const [row] = await this.#query(store, this.#statements.peers.beat(), []);
    return row && numberOf(row, "heartbeatMs");
  }

  async #query(
    store: string,
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<readonly TextRow[]> {
    const options = { providers: [store], ...OWN_STATEMENT };
    return (await this.#db.query<TextRow>(statement, values, options)).rows;
  }
}

export function numberOf(row: TextRow, column: string): number | undefined {
  const value = row[column];
  return typeof value === "string" ? Number(value) : undefined;
}

function dateOf(row: TextRow, column: string): Date | undefined {
  const value = numberOf(row, column);
  return value === undefined ? undefined : new Date(value);
}
