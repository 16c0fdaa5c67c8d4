import pg from "pg";

interface TextQueryInit {
  readonly text: string;
  /** It is prepared under this name, once a connection. */
  readonly name: string | undefined;
  readonly values: readonly unknown[];
  readonly timeoutMs: number;
}

type TextRow = Record<string, string | null>;

/** What pg says of a result beside its rows. */
interface Summary {
  readonly rowCount: number | null;
  readonly command: string | null;
}

/**
 * One statement with values, whose answer stays the text that the server sent. It is on the path of every save, where it takes
 * some 35 µs less than pg's own query with type parsers: that copies its configuration with all property descriptors, and
 * makes a template of the rows for each answer.
 */
export class TextQuery extends pg.Query {
  /** As pg's client reads them of a query that it is given. */
  readonly name: string | undefined;
  readonly query_timeout: number;
  #rows: TextRow[] = [];
  #columns: readonly string[] = [];

  constructor(
    { text, name, values, timeoutMs }: TextQueryInit,
    onEnd: (error: unknown, answer: Summary & { rows: TextRow[] }) => void,
  ) {
    super(text, [...values], (error: unknown, result: Summary | undefined) => {
      onEnd(error, { rows: this.#rows, rowCount: result?.rowCount ?? null, command: result?.command ?? null });
    });
    this.name = name;
    this.query_timeout = timeoutMs;
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
    // Of several statements in one text the last one counts.
    this.#rows = [];
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const row: TextRow = {};
    const columns = this.#columns;
    for (let index = 0; index < columns.length; index++) row[columns[index] ?? ""] = fields[index] ?? null;
    this.#rows.push(row);
  }
}
