/** The replica interface of one provider. */
import type { QueryOptions } from "@rivet/db-manager";
import {
  assertMayEnter,
  NIL_ID,
  type AtomRow,
  type Facts,
  type Merged,
  type RangeDigest,
  type Replica,
  type SessionDigest,
  type SessionRange,
  type Tombstone,
} from "@rivet/memory-core";
import { isRefusedByStatement } from "../errors.ts";
import { merge } from "../write/merge.ts";
import type { Query } from "../statements/named-statements.ts";
import { milliseconds, text, toAtomRow, type TextRow } from "../statements/rows.ts";
import { OWN_STATEMENT, type Store } from "../providers/store.ts";
import type { ReplicationStatements } from "./statements/index.ts";

/** The time-out of statements that read many sessions, in milliseconds. */
const DIGEST_TIMEOUT_MS = 30_000;
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

export class ProviderReplica implements Replica {
  readonly name: string;
  /** A store whose route leads only to this provider, and whose writes leave no hints. */
  readonly #store: Store;
  readonly #statements: ReplicationStatements;

  constructor(name: string, store: Store, statements: ReplicationStatements) {
    this.name = name;
    this.#store = store;
    this.#statements = statements;
  }

  async rangesAfter(sessionId: string, rangeSessions: number, limit: number): Promise<RangeDigest[]> {
    const values = [sessionId, rangeSessions, rangeSessions * limit];
    const rows = await this.#read({ statement: this.#statements.digests.selectRanges(), values }, DIGEST_TIMEOUT_MS);
    return rows.map((row) => ({ through: text(row, "through"), digest: text(row, "digest") }));
  }

  async digestsOf(ranges: readonly SessionRange[]): Promise<string[]> {
    const values = [ranges.map(({ after }) => after), ranges.map(({ through }) => through)];
    const rows = await this.#read({ statement: this.#statements.digests.selectDigests(), values }, DIGEST_TIMEOUT_MS);
    return rows.map((row) => text(row, "digest"));
  }

  async sessions(
    { after, through = null }: { after: string; through?: string | null | undefined },
    limit: number,
  ): Promise<SessionDigest[]> {
    const rows = await this.#read({
      statement: this.#statements.digests.selectSessions(),
      values: [after, through, limit],
    });
    return rows.map((row) => ({
      sessionId: text(row, "sessionId"),
      atomCount: Number(text(row, "atomCount")),
      idXor: text(row, "idXor"),
      tombstoneCount: Number(text(row, "tombstoneCount")),
      tombstoneXor: text(row, "tombstoneXor"),
    }));
  }

  async atomIds(sessionId: string, beforeId: string = LAST_ID, limit: number): Promise<string[]> {
    const rows = await this.#read({
      statement: this.#statements.digests.selectAtomIds(),
      values: [sessionId, beforeId, limit],
    });
    return rows.map((row) => text(row, "id"));
  }

  /** Returns the ids that this provider holds. */
  async held(sessionId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#read({ statement: this.#statements.digests.selectHeldIds(), values: [sessionId, ids] });
    return new Set(rows.map((row) => text(row, "id")));
  }

  async atoms(sessionId: string, ids: readonly string[]): Promise<AtomRow[]> {
    const order = "oldest-first";
    const rows = await this.#read(
      this.#store.statements.read.selectAtoms({ sessionId, ids, order, limit: ids.length }),
    );
    return rows.map(toAtomRow);
  }

  async atomsAfter(sessionId: string, afterId: string = NIL_ID, limit: number): Promise<AtomRow[]> {
    const order = "oldest-first";
    return (await this.#read(this.#store.statements.read.selectAtoms({ sessionId, afterId, order, limit }))).map(
      toAtomRow,
    );
  }

  async tombstonesAfter(
    sessionId: string,
    last: Pick<Tombstone, "id" | "owner"> | undefined,
    limit: number,
  ): Promise<Tombstone[]> {
    const after = last && { ...last, sessionId };
    return (await this.#read(this.#statements.digests.selectTombstones({ sessionId, after, limit }))).map(toTombstone);
  }

  /**
   * @throws {MemoryError} also `invalid_input` for facts that this project cannot have written: others can write to
   * that store.
   */
  async merge(facts: Facts): Promise<Merged> {
    assertMayEnter(facts);
    return merge(this.#store, facts);
  }

  /** Appends a packed page of hints' atoms if none of them is stored yet. @returns whether it did. */
  async take(packed: readonly unknown[]): Promise<boolean> {
    const { db, statements, route, isOneSessionPerStatement } = this.#store;
    if (isOneSessionPerStatement) return false;
    const options: QueryOptions = { ...route, ...OWN_STATEMENT };
    try {
      await db.query(statements.append.toSessions({ isMetadataSet: true, isExpirySet: true }), packed, options);
      return true;
    } catch (error) {
      if (!isRefusedByStatement(error)) throw error;
      return false;
    }
  }

  async #read({ statement, values }: Query, timeoutMs?: number): Promise<readonly TextRow[]> {
    const { db, route } = this.#store;
    const options: QueryOptions = { ...route, ...OWN_STATEMENT, readOnly: true, timeoutMs };
    return (await db.query<TextRow>(statement, values, options)).rows;
  }
}

export function toTombstone(row: TextRow): Tombstone {
  return {
    sessionId: text(row, "sessionId"),
    id: text(row, "id"),
    owner: text(row, "owner"),
    deletedAtMs: milliseconds(row, "deletedAtMs"),
  };
}
