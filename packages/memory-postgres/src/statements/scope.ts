import { tableNames, type TableNames } from "@rivet/postgres-schema";
import { NamedStatements, type Statement } from "./named-statements.ts";
import type { TablePlaces } from "../providers/table-places.ts";

/** Stands in a hint for every other store. No store has this name. */
export const ALL_STORES = "*";

/** The schema whose tables statements are on, and what they all do there. */
export class Scope {
  readonly table: TableNames;
  /** Whether what is written and deleted leaves hints for the other stores, in the same statement. */
  readonly isHinting: boolean;
  readonly #statements: NamedStatements;

  constructor(places: TablePlaces, isHinting: boolean) {
    this.#statements = new NamedStatements(places);
    this.table = tableNames(places.schema);
    this.isHinting = isHinting;
  }

  named(text: string): Statement {
    return this.#statements.named(text);
  }

  /** A part of a WITH list that leaves a hint for each row that a part before it returned. */
  hints(source: string, isTombstone: boolean): string {
    if (!this.isHinting) return "";
    return `, hinted AS (
  INSERT INTO ${this.table.hints} (target, session_id, id, is_tombstone)
  SELECT '${ALL_STORES}', session_id, id, ${isTombstone} FROM ${source} ON CONFLICT DO NOTHING
)`;
  }
}
