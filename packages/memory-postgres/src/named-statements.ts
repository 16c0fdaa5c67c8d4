import { createHash } from "node:crypto";

/** A statement that a connection may keep prepared under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement with the values of its parameters. */
export interface Query {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/** Names for texts: the same text has the same name in every process, so that connections may be shared. */
export class NamedStatements {
  readonly #prepared = new Map<string, Statement>();

  named(text: string): Statement {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      const digest = createHash("sha256").update(text).digest("hex").slice(0, 24);
      statement = { name: `rivet_${digest}`, text };
      this.#prepared.set(text, statement);
    }
    return statement;
  }
}
