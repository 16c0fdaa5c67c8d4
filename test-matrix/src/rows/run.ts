import type { Row } from "../cell.ts";
import type { Environment, Workplace } from "../workplace.ts";

/** The means that every group of rows works with. */
export interface Matrix {
  readonly workplace: Workplace;
  /** The addresses of the databases. */
  readonly environment: Environment;
  /** The program of the Node.js that runs the matrix. */
  readonly node: string;
}

/** A group of rows under one heading. */
export interface Group {
  readonly name: string;
  readonly heading: string;
  /** Default: the backends. */
  readonly columns?: readonly string[];
  readonly rows: (matrix: Matrix) => Promise<Row[]>;
}
