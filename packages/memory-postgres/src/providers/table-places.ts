/** The schema that contains each provider's tables: the requested one, or its hidden one in a Supabase project. */
import { hiddenSchemaOf, tableNames } from "@rivet/postgres-schema";

export class TablePlaces {
  /** The requested schema. */
  readonly schema: string;
  /** The providers whose tables are in the hidden schema. */
  readonly #hidden = new Set<string>();

  constructor(schema: string) {
    this.schema = schema;
  }

  /** Records the schema of a provider's tables. */
  note(provider: string, schema: string): void {
    if (schema === this.schema) this.#hidden.delete(provider);
    else this.#hidden.add(provider);
  }

  isHidden(provider: string): boolean {
    return this.#hidden.has(provider);
  }

  /** Rewrites a statement on the tables of the requested schema into one on the tables of the hidden schema. */
  hide(text: string): string {
    const hidden = hiddenSchemaOf(this.schema);
    if (hidden === undefined) return text;
    // A point follows a quoted name nowhere else, and statement texts contain no user input.
    return text.replaceAll(`${tableNames(this.schema).schema}."`, `${tableNames(hidden).schema}."`);
  }
}
