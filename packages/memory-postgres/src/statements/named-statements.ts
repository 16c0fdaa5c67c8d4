import { createHash } from "node:crypto";
import type { NamedStatement } from "@rivet/db-manager";
import type { TablePlaces } from "../providers/table-places.ts";

/** A statement that a connection may prepare under its name. Its text names the schema of the provider's tables. */
export type Statement = NamedStatement;

/** A statement with the values of its parameters. */
export interface Query {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/**
 * Names statements by their texts: a text has the same name in every process, so that processes may share connections.
 */
export class NamedStatements {
  readonly #places: TablePlaces;
  readonly #prepared = new Map<string, Statement>();

  constructor(places: TablePlaces) {
    this.#places = places;
  }

  named(text: string): Statement {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = new PlacedStatement(text, this.#places);
      this.#prepared.set(text, statement);
    }
    return statement;
  }
}

class PlacedStatement implements Statement {
  readonly name: string;
  readonly text: string;
  readonly #places: TablePlaces;
  #hidden: Statement | undefined;

  constructor(text: string, places: TablePlaces) {
    this.name = nameOf(text);
    this.text = text;
    this.#places = places;
  }

  formFor(provider: string): Statement {
    return this.#places.isHidden(provider) ? this.#hiddenForm() : this;
  }

  #hiddenForm(): Statement {
    if (this.#hidden === undefined) {
      const text = this.#places.hide(this.text);
      this.#hidden = { name: nameOf(text), text };
    }
    return this.#hidden;
  }
}

function nameOf(text: string): string {
  return `rivet_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
}
