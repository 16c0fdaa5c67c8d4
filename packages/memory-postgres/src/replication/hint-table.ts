/** The hints of one store: what it has accepted and others have not got yet. */
import type { DatabaseManager } from "@rivet/db-manager";
import { NIL_ID, type Facts, type RefusedAtom } from "@rivet/memory-core";
import type { Statement } from "../named-statements.ts";
import { text, toAtomRow, type TextRow } from "../rows.ts";
import type { HintKey, HintPage, HintStore } from "./drain.ts";
import { toTombstone } from "./provider-replica.ts";
import type { HintStatements } from "./statements/hints.ts";

const MAX_BYTES = 4 * 1024 * 1024;
/** For bringing one page. Whoever takes longer may see another one bring the same, which does no harm. */
const LEASE_MS = 1_000;
const FIRST: HintKey = { sessionId: "", id: NIL_ID, isTombstone: false };

/** The columns of a page that are the values of `appendToSessions`, in their order. */
const APPEND_COLUMNS = [
  "packedSessionIds",
  "userIds",
  "packedIds",
  "memoryTypes",
  "contents",
  "metadata",
  "createdAt",
  "expiresAt",
  "headSessionIds",
  "headUserIds",
  "headCreatedAt",
  "lastAtomIds",
  "messageCounts",
  "atomCounts",
  "deletionCounts",
  "idXors",
  "historyXors",
  "headMetadata",
  "metadataIds",
];

/** A page whose keys stay in the text form of PostgreSQL's arrays: they only go back to where they came from. */
class Page implements HintPage {
  readonly count: number;
  readonly isLeft: boolean;
  readonly hasMore: boolean;
  readonly last: HintKey;
  readonly packed: readonly unknown[] | undefined;
  /** By column: session ids, ids, whether it is a tombstone. */
  readonly keys: readonly string[];
  readonly #read: (page: Page) => Promise<Facts>;
  #facts: Promise<Facts> | undefined;

  constructor(row: TextRow, read: (page: Page) => Promise<Facts>) {
    this.count = Number(text(row, "count"));
    this.isLeft = row["isLeft"] === "t";
    this.hasMore = row["hasMore"] === "t";
    this.last = {
      sessionId: row["lastSessionId"] ?? "",
      id: row["lastId"] ?? NIL_ID,
      isTombstone: row["isLastTombstone"] === "t",
    };
    this.packed =
      row["isPlain"] === "t" ? APPEND_COLUMNS.map((column) => Buffer.from(text(row, column), "base64")) : undefined;
    this.keys = ["sessionIds", "ids", "areTombstones"].map((column) => row[column] ?? "{}");
    this.#read = read;
  }

  facts(): Promise<Facts> {
    return (this.#facts ??= this.#read(this));
  }
}

export class HintTable implements HintStore<Page> {
  readonly name: string;
  readonly #db: DatabaseManager;
  readonly #statements: HintStatements;
  readonly #drainer = crypto.randomUUID();

  constructor(name: string, db: DatabaseManager, statements: HintStatements) {
    this.name = name;
    this.#db = db;
    this.#statements = statements;
  }

  async page(target: string, after: HintKey = FIRST, limit: number): Promise<Page> {
    const values = [target, after.sessionId, after.id, after.isTombstone, limit, MAX_BYTES, this.#drainer, LEASE_MS];
    const [row = {}] = await this.#query(this.#statements.selectHints(), values);
    return new Page(row, async ({ keys }) => toFacts(await this.#query(this.#statements.selectFacts(), keys, true)));
  }

  async settle(target: string, { keys, hasMore }: Page, others: readonly string[]): Promise<void> {
    const values = [target, ...keys, others, hasMore ? null : this.#drainer];
    await this.#query(this.#statements.settleHints(), values);
  }

  async release(): Promise<void> {
    await this.#query(this.#statements.release(), [this.#drainer]);
  }

  async keepDeadLetters(target: string, refused: readonly RefusedAtom[]): Promise<void> {
    const columns = [
      refused.map(({ row }) => row.sessionId),
      refused.map(({ row }) => row.id),
      refused.map(({ error }) => error.code),
      refused.map(({ error }) => error.message),
    ];
    await this.#query(this.#statements.insertDeadLetters(), [target, ...columns]);
  }

  async #query(statement: Statement, values: readonly unknown[], readOnly = false): Promise<readonly TextRow[]> {
    const options = { providers: [this.name], idempotent: true, asText: true, readOnly };
    return (await this.#db.query<TextRow>(statement, values, options)).rows;
  }
}

/** A hint may name what is not there any more: an atom that was deleted, or a tombstone that a session's stands for. */
function toFacts(rows: readonly TextRow[]): Facts {
  return {
    rows: rows.filter((row) => row["userId"] !== null).map(toAtomRow),
    tombstones: rows.filter((row) => row["deletedAtMs"] !== null).map(toTombstone),
  };
}
