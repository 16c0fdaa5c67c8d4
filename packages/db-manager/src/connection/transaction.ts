import type { Connection } from "./connection.ts";
import { within, type Deadline } from "./deadline.ts";
import type { Circumstances } from "../errors/failure.ts";
import { LocalFault } from "../errors/local-fault.ts";
import {
  checkQuery,
  type IsolationLevel,
  type NamedStatement,
  type Queryable,
  type QueryOptions,
  type QueryResult,
} from "../manager/queryable.ts";

export interface TransactionSteps {
  /** The level that BEGIN requests; undefined for the database's default. */
  readonly isolation: IsolationLevel | undefined;
  /** Sends one statement on the connection of the transaction. */
  send<Row extends object>(
    statement: string | NamedStatement,
    values: readonly unknown[] | undefined,
    options: QueryOptions<Row>,
    circumstances: Omit<Circumstances, "isSent">,
  ): Promise<QueryResult<Row>>;
  toError(error: unknown, circumstances: Circumstances): Error;
}

const HARMLESS = { isHarmless: true, isUntouched: false };

/**
 * Runs the work between BEGIN and COMMIT, and sends ROLLBACK if it throws. If the state of the transaction is in doubt,
 * destroys the connection.
 */
export async function runTransaction<Result>(
  connection: Connection,
  deadline: Deadline,
  steps: TransactionSteps,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  await steps.send(beginOf(steps.isolation), undefined, {}, { isHarmless: true, isUntouched: true });
  const client = new TransactionClient(steps);
  try {
    const result = await within(deadline, work(client), (fault) => {
      // The caller no longer waits for the work, so its statement in flight fails too.
      connection.destroy(fault);
      return steps.toError(fault, { isSent: true, ...HARMLESS });
    });
    await client.end();
    const { command } = await steps.send("COMMIT", undefined, {}, { isUntouched: false });
    if (command === "ROLLBACK") {
      const fault = new LocalFault(
        "RIVET_ROLLED_BACK",
        "the server answered COMMIT with ROLLBACK, because a statement had failed",
      );
      throw steps.toError(fault, { isSent: false, isUntouched: false });
    }
    return result;
  } catch (error) {
    await client.end();
    await rollBack(connection, deadline, steps);
    throw error;
  }
}

function beginOf(isolation: IsolationLevel | undefined): string {
  return isolation === undefined ? "BEGIN" : `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
}

async function rollBack(connection: Connection, deadline: Deadline, steps: TransactionSteps): Promise<void> {
  if (connection.isDead) return;
  try {
    if (deadline.remainingMs() === 0) throw deadline.fault();
    await steps.send("ROLLBACK", undefined, {}, HARMLESS);
  } catch (error) {
    // The server rolls back the transaction of a closed connection; the error to throw is the one that led here.
    connection.destroy(error);
  }
}

/** Runs the statements of a transaction one after the other, even if the work calls them concurrently. */
class TransactionClient implements Queryable {
  readonly #steps: TransactionSteps;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(steps: TransactionSteps) {
    this.#steps = steps;
  }

  async query<Row extends object = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
    options: QueryOptions<Row> = {},
  ): Promise<QueryResult<Row>> {
    checkQuery(statement, values, options);
    if (this.#isOver) {
      const fault = new LocalFault("RIVET_TRANSACTION_OVER", "the transaction of this client is over");
      throw this.#steps.toError(fault, { isSent: false });
    }
    const turn = this.#last.then(() => this.#steps.send<Row>(statement, values, options, HARMLESS));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Refuses further statements, and waits for statements that the work did not await. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#last;
  }
}
