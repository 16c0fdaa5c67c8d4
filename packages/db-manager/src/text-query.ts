import pg from "pg";

interface TextQueryInit {
  readonly text: string;
  /** It is prepared under this name, once a connection. */
  readonly name: string | undefined;
  /** They are sent before pg's client returns, and not copied. */
  readonly values: readonly unknown[];
}

type TextRow = Record<string, string | null>;

/** What pg says of a result beside its rows. */
interface Summary {
  readonly rowCount: number | null;
  readonly command: string | null;
}

/** What is used here of pg's connection and query, beside what its types name. */
interface Wire {
  describe(message: object): void;
}
interface Preparing {
  prepare(connection: Wire): void;
}

/** What is known of one connection. */
interface Described {
  /** The columns of the statements that it has prepared, by their names. They stay the same as long as it lives. */
  readonly columns: Map<string, readonly string[]>;
  /** The same connection, which does not ask for them. */
  readonly quiet: Wire;
}

const connections = new WeakMap<Wire, Described>();
// The one method of pg's query that its types do not have.
const { prepare } = pg.Query.prototype as pg.Query & Preparing;

/**
 * One statement with values, whose answer stays the text that the server sent. It is on the path of every save, where it takes
 * some 35 µs less than pg's own query with type parsers: that copies its configuration with all property descriptors, makes
 * a template of the rows for each answer, and has the server describe a prepared statement each time.
 */
export class TextQuery extends pg.Query {
  /** As pg's client reads it of a query that it is given. */
  readonly name: string | undefined;
  #rows: TextRow[] = [];
  #columns: readonly string[] = [];
  #described: Described | undefined;

  constructor(
    { text, name, values }: TextQueryInit,
    onEnd: (error: unknown, answer: Summary & { rows: TextRow[] }) => void,
  ) {
    super(text, values as unknown[], (error: unknown, result: Summary | undefined) => {
      onEnd(error, { rows: this.#rows, rowCount: result?.rowCount ?? null, command: result?.command ?? null });
    });
    this.name = name;
  }

  /** Sends the statement; pg calls it. */
  prepare(connection: Wire): void {
    if (this.name === undefined) return prepare.call(this, connection);
    this.#described = describedBy(connection);
    const columns = this.#described.columns.get(this.name);
    if (columns === undefined) return prepare.call(this, connection);
    this.#columns = columns;
    prepare.call(this, this.#described.quiet);
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
    if (this.name !== undefined) this.#described?.columns.set(this.name, this.#columns);
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

function describedBy(connection: Wire): Described {
  let described = connections.get(connection);
  if (described === undefined) {
    const quiet: Wire = Object.create(connection, { describe: { value: () => undefined } });
    described = { columns: new Map(), quiet };
    connections.set(connection, described);
  }
  return described;
}
