/** Every SQL statement of the backend but the migrations and those of replication. */
import type { TablePlaces } from "../providers/table-places.ts";
import { AppendStatements } from "./append.ts";
import { ChangeStatements } from "./change.ts";
import { ReadStatements } from "./read.ts";
import { Scope } from "./scope.ts";

/** The statements on the tables of one schema. */
export class Statements {
  readonly append: AppendStatements;
  readonly change: ChangeStatements;
  readonly read: ReadStatements;

  /**
   * @param isHinting whether what is written and deleted leaves hints for the other stores, in the same statement: not
   *   when it comes from one of them.
   */
  constructor(places: TablePlaces, isHinting = false) {
    const scope = new Scope(places, isHinting);
    this.append = new AppendStatements(scope);
    this.change = new ChangeStatements(scope);
    this.read = new ReadStatements(scope);
  }
}
