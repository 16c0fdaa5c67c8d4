/** The hints of one store: what it has accepted and others have not got yet. */
import type { DatabaseManager } from "@rivet/db-manager";
import type { Facts, RefusedAtom } from "@rivet/memory-core";
import { text, toAtomRow, type TextRow } from "../rows.ts";
import { toTombstone } from "./provider-replica.ts";
import type { HintKey, HintPage, HintStore } from "./drain.ts";
import type { ReplicationStatements } from "./statements.ts";

const MAX_BYTES = 4 * 1024 * 1024;
const FIRST: HintKey = { sessionId: "", id: "00000000-0000-0000-0000-000000000000", isTombstone: false };

export class HintTable implements HintStore {
  readonly name: string;
  readonly #db: DatabaseManager;
  readonly #statements: ReplicationStatements;

  constructor(name: string, db: DatabaseManager, statements: ReplicationStatements) {
    this.name = name;
    this.#db = db;
    this.#statements = statements;
  }

  async page(target: string, after: HintKey = FIRST, limit: number): Promise<HintPage> {
    const values = [target, after.sessionId, after.id, after.isTombstone, limit, MAX_BYTES];
    const rows = await this.#query(this.#statements.selectHints(), values, true);
    return { hints: rows.map(toKey), facts: toFacts(rows) };
  }

  async settle(target: string, hints: readonly HintKey[], others: readonly string[]): Promise<void> {
    const columns = [
      hints.map(({ sessionId }) => sessionId),
      hints.map(({ id }) => id),
      hints.map(({ isTombstone }) => isTombstone),
    ];
    await this.#query(this.#statements.settleHints(), [target, ...columns, others]);
  }

  async keepDeadLetters(target: string, refused: readonly RefusedAtom[]): Promise<void> {
    const columns = [
      refused.map(({ row }) => row.sessionId),
      refused.map(({ row }) => row.id),
      refused.map(({ error }) => error.code),
      refused.map(({ error }) => error.message),
    ];
    await this.#query(this.#statements.insertDeadLetters(), [target, ...columns]);
  }

  async #query(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
    readOnly = false,
  ): Promise<readonly TextRow[]> {
    const options = { providers: [this.name], idempotent: true, asText: true, readOnly };
    return (await this.#db.query<TextRow>(statement, values, options)).rows;
  }
}

function toKey(row: TextRow): HintKey {
  return { sessionId: text(row, "sessionId"), id: text(row, "id"), isTombstone: text(row, "isTombstone") === "t" };
}

/** A hint may name what is not there any more: an atom that was deleted, or a tombstone that a session's stands for. */
function toFacts(rows: readonly TextRow[]): Facts {
  return {
    rows: rows.filter((row) => row["userId"] !== null).map(toAtomRow),
    tombstones: rows.filter((row) => row["deletedAtMs"] !== null).map(toTombstone),
  };
}
