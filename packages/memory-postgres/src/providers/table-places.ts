/** In which schema each provider has the tables: the one that was asked for, or its hidden one, in a Supabase project. */
import { hiddenSchemaOf, tableNames } from "@rivet/postgres-schema";

export class TablePlaces {
  /** The schema that was asked for. */
  readonly schema: string;
  /** The providers whose tables are in the hidden schema. */
  readonly #hidden = new Set<string>();

  constructor(schema: string) {
    this.schema = schema;
  }

  /** Notes where a provider has its tables. */
  note(provider: string, schema: string): void {
    if (schema === this.schema) this.#hidden.delete(provider);
    else this.#hidden.add(provider);
  }

  isHidden(provider: string): boolean {
    return this.#hidden.has(provider);
  }

  /** A statement on the tables of the schema that was asked for, as one on those of the hidden schema. */
  hide(text: string): string {
    const hidden = hiddenSchemaOf(this.schema);
    if (hidden === undefined) return text;
    // A point follows a quoted name nowhere else, and no text holds what a user has given.
    return text.replaceAll(`${tableNames(this.schema).schema}."`, `${tableNames(hidden).schema}."`);
  }
}
