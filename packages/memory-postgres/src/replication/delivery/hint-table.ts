/** The hints of one store: references to facts that it has accepted and other stores do not have yet. */
import type { DatabaseManager } from "@rivet/db-manager";
import { NIL_ID, type Facts, type RefusedAtom } from "@rivet/memory-core";
import type { Statement } from "../../statements/named-statements.ts";
import { text, toAtomRow, type TextRow } from "../../statements/rows.ts";
import type { HintKey, HintPage } from "./hints.ts";
import type { LargeHintStore } from "./large-atoms.ts";
import { toTombstone } from "../provider-replica.ts";
import type { HintStatements } from "../statements/hints.ts";
import { OWN_STATEMENT } from "../../providers/store.ts";

/** The largest page: half a second on a slow link. */
const MAX_BYTES = 1024 * 1024;
/** Atoms with more content are large. */
const LARGE_BYTES = 256 * 1024;
/** The lease for delivering one page. After it another process may deliver the same page, which is harmless. */
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

/** The JSON columns of a page, from which the heads are made. */
const JSON_COLUMNS = new Set(["contents", "metadata"]);
/** The core's escape character in JSON. Text that contains it may hold an escape that this project never writes. */
const JSON_ESCAPE = "\\u0010";

/**
 * A page whose keys stay in the text form of PostgreSQL's arrays, because they are only returned to the same server.
 */
class Page implements HintPage {
  readonly count: number;
  readonly isLeft: boolean;
  readonly hasMore: boolean;
  readonly last: HintKey;
  readonly large: readonly HintKey[];
  readonly packed: readonly unknown[] | undefined;
  /** The keys by column: session ids, ids, and whether each is a tombstone. */
  readonly keys: readonly unknown[];
  readonly #read: (page: Page) => Promise<Facts>;
  #facts: Promise<Facts> | undefined;

  private constructor(init: Omit<Page, "facts">, read: (page: Page) => Promise<Facts>) {
    const { count, isLeft, hasMore, last, large, packed, keys } = init;
    this.count = count;
    this.isLeft = isLeft;
    this.hasMore = hasMore;
    this.last = last;
    this.large = large;
    this.packed = packed;
    this.keys = keys;
    this.#read = read;
  }

  static ofRow(row: TextRow, read: (page: Page) => Promise<Facts>): Page {
    const init = {
      count: Number(text(row, "count")),
      isLeft: row["isLeft"] === "t",
      hasMore: row["hasMore"] === "t",
      last: {
        sessionId: row["lastSessionId"] ?? "",
        id: row["lastId"] ?? NIL_ID,
        isTombstone: row["isLastTombstone"] === "t",
      },
      large: largeOf(row),
      packed: row["isPlain"] === "t" ? packedOf(row) : undefined,
      keys: ["sessionIds", "ids", "areTombstones"].map((column) => row[column] ?? "{}"),
    };
    return new Page(init, read);
  }

  /** Makes a page of one hint, after which there may be others. */
  static ofKey(key: HintKey, read: (page: Page) => Promise<Facts>): Page {
    const keys = [[key.sessionId], [key.id], [key.isTombstone]];
    return new Page({ count: 1, isLeft: false, hasMore: true, last: key, large: [], packed: undefined, keys }, read);
  }

  facts(): Promise<Facts> {
    return (this.#facts ??= this.#read(this));
  }
}

export class HintTable implements LargeHintStore<Page> {
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
    const key = [after.sessionId, after.id, after.isTombstone];
    const values = [target, ...key, limit, MAX_BYTES, this.#drainer, LEASE_MS, LARGE_BYTES];
    const [row = {}] = await this.#query(this.#statements.selectHints(), values);
    return Page.ofRow(row, this.#readFacts);
  }

  pageOf(key: HintKey): Page {
    return Page.ofKey(key, this.#readFacts);
  }

  readonly #readFacts = async ({ keys }: Page): Promise<Facts> =>
    toFacts(await this.#query(this.#statements.selectFacts(), keys, true));

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
    const options = { providers: [this.name], ...OWN_STATEMENT, readOnly };
    return (await this.#db.query<TextRow>(statement, values, options)).rows;
  }
}

/** Returns the values of `appendToSessions`, unless they may contain text that must be checked. */
function packedOf(row: TextRow): readonly unknown[] | undefined {
  const columns = APPEND_COLUMNS.map((name) => ({ name, bytes: Buffer.from(text(row, name), "base64") }));
  const isSuspect = columns.some(({ name, bytes }) => JSON_COLUMNS.has(name) && bytes.includes(JSON_ESCAPE));
  return isSuspect ? undefined : columns.map(({ bytes }) => bytes);
}

/** Parses the hints of large atoms, which the statement returns as one JSON array of session ids and ids. */
function largeOf(row: TextRow): HintKey[] {
  const keys: unknown = JSON.parse(row["large"] ?? "[]");
  if (!Array.isArray(keys)) return [];
  return keys.flatMap((key: unknown) => {
    const [sessionId, id]: unknown[] = Array.isArray(key) ? key : [];
    return typeof sessionId === "string" && typeof id === "string" ? [{ sessionId, id, isTombstone: false }] : [];
  });
}

/**
 * Converts rows to facts. A hint's fact may be gone: a deleted atom, or a tombstone replaced by that of its session.
 */
function toFacts(rows: readonly TextRow[]): Facts {
  return {
    rows: rows.filter((row) => row["userId"] !== null).map(toAtomRow),
    tombstones: rows.filter((row) => row["deletedAtMs"] !== null).map(toTombstone),
  };
}
