/** A store of the model: a real `InMemoryStorage` that leaves hints in the same step as it writes. */
import {
  compareBytes,
  NIL_ID,
  SESSION_METADATA,
  type AtomClock,
  type AtomRow,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type Facts,
  type Merged,
  type RefusedAtom,
  type Tombstone,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { HintKey, HintPage, HintStore } from "../../src/replication/delivery/hints.ts";

const EVERYTHING = 1_000_000;

interface Hint extends HintKey {
  readonly target: string;
}

export interface ModelPage extends HintPage {
  readonly hints: readonly Hint[];
}

/** Rows on their way from store to store as they are. */
class PackedRows {
  readonly rows: readonly AtomRow[];

  constructor(rows: readonly AtomRow[]) {
    this.rows = rows;
  }
}

/** All that a store holds. */
export interface Contents extends Facts {
  readonly hints: readonly Hint[];
}

export class HintingStorage extends InMemoryStorage implements HintStore<ModelPage> {
  readonly name: string;
  /** Whether what is written leaves hints. */
  isHinting = true;
  readonly #hints = new Map<string, Hint>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, clock: AtomClock) {
    super({ clock });
    this.name = name;
  }

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return this.#alone(async () => {
      const absent = await this.#absent(write.rows);
      const result = await super.writeAtoms(write);
      if (this.isHinting) this.hint(absent.map((row) => ({ ...row, isTombstone: false })));
      return result;
    });
  }

  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    return this.#alone(async () => {
      const result = await super.deleteAtoms(deletion);
      if (deletion.scope !== "user" && this.isHinting) {
        const ids = new Set(deletion.scope === "session" ? [NIL_ID] : deletion.ids);
        const buried = await this.selectTombstones({ sessionId: deletion.sessionId, limit: EVERYTHING });
        this.hint(buried.filter(({ id }) => ids.has(id)).map((key) => ({ ...key, isTombstone: true })));
      }
      return result;
    });
  }

  protected override mergeFacts(facts: Facts): Promise<Merged> {
    return this.#alone(() => super.mergeFacts(facts));
  }

  /** Leaves hints for every other store. */
  hint(keys: readonly HintKey[], target = "*"): void {
    for (const { sessionId, id, isTombstone } of keys) {
      const key = `${target} ${sessionId} ${id} ${isTombstone}`;
      this.#hints.set(key, { target, sessionId, id, isTombstone });
    }
  }

  /** Drops hints of a target without bringing them. @returns how many. */
  drop(target: string, isDropped: (hint: HintKey) => boolean): number {
    const dropped = [...this.#hints].filter(([, hint]) => hint.target === target && isDropped(hint));
    for (const [key] of dropped) this.#hints.delete(key);
    return dropped.length;
  }

  page(target: string, after: HintKey | undefined, limit: number): Promise<ModelPage> {
    return this.#alone(async () => {
      const waiting = [...this.#hints.values()].filter((hint) => hint.target === target).toSorted(compareHints);
      const hints = waiting.filter((hint) => after === undefined || compareHints(hint, after) > 0).slice(0, limit);
      const { rows } = await this.#factsOf(hints);
      const isPlain = rows.length === hints.length && rows.every(({ memoryType }) => memoryType !== SESSION_METADATA);
      return {
        hints,
        count: hints.length,
        isLeft: false,
        hasMore: hints.length === limit,
        last: hints.at(-1) ?? { sessionId: "", id: NIL_ID, isTombstone: false },
        facts: () => this.#alone(() => this.#factsOf(hints)),
        packed: isPlain && hints.length > 0 ? [new PackedRows(rows)] : undefined,
      };
    });
  }

  settle(target: string, { hints }: ModelPage, others: readonly string[]): Promise<void> {
    return this.#alone(async () => {
      const keys = new Set(hints.map(({ sessionId, id, isTombstone }) => `${sessionId} ${id} ${isTombstone}`));
      const settled = [...this.#hints].filter(
        ([, hint]) => hint.target === target && keys.has(`${hint.sessionId} ${hint.id} ${hint.isTombstone}`),
      );
      for (const [key] of settled) this.#hints.delete(key);
      for (const other of others) {
        this.hint(
          settled.map(([, hint]) => hint),
          other,
        );
      }
    });
  }

  /** Nobody waits for anybody here: what each of several drainers does has to be right beside the others. */
  async release(): Promise<void> {}

  async keepDeadLetters(_target: string, refused: readonly RefusedAtom[]): Promise<void> {
    const stranger = refused.find(({ error }) => error.code !== "conflict");
    if (stranger !== undefined) throw new Error("only conflicts are made here", { cause: stranger.error });
  }

  /** As the statement of an append does: not when any of the rows is there, or a session has seen a deletion. */
  takePacked([packed]: readonly unknown[]): Promise<boolean> {
    return this.#alone(async () => {
      if (!(packed instanceof PackedRows)) return false;
      const { rows } = packed;
      if ((await this.#absent(rows)).length < rows.length) return false;
      for (const sessionId of new Set(rows.map((row) => row.sessionId))) {
        if ((await this.selectTombstones({ sessionId, limit: 1 })).length > 0) return false;
      }
      await super.mergeFacts({ rows, tombstones: [] });
      return true;
    });
  }

  contents(): Promise<Contents> {
    return this.#alone(async () => ({
      rows: await this.selectAtoms({ order: "oldest-first", limit: EVERYTHING }),
      tombstones: await this.selectTombstones({ limit: EVERYTHING }),
      hints: [...this.#hints.values()],
    }));
  }

  /** A store as it was when a backup was made. */
  static async from(name: string, clock: AtomClock, { rows, tombstones, hints }: Contents): Promise<HintingStorage> {
    const store = new HintingStorage(name, clock);
    await store.replica.merge({ rows: rows.toSorted(compareKeys), tombstones });
    for (const hint of hints) store.hint([hint], hint.target);
    return store;
  }

  async #absent(rows: readonly AtomRow[]): Promise<AtomRow[]> {
    const { rows: stored } = await this.#factsOf(rows.map((row) => ({ ...row, isTombstone: false })));
    const there = new Set(stored.map(({ sessionId, id }) => `${sessionId} ${id}`));
    return rows.filter(({ sessionId, id }) => !there.has(`${sessionId} ${id}`));
  }

  /** Reads the atoms and tombstones of hints that still exist. */
  async #factsOf(hints: readonly HintKey[]): Promise<Facts> {
    const rows: AtomRow[] = [];
    const tombstones: Tombstone[] = [];
    for (const [sessionId, keys] of Map.groupBy(hints, (hint) => hint.sessionId)) {
      const ids = (isTombstone: boolean): string[] =>
        keys.filter((key) => key.isTombstone === isTombstone).map(({ id }) => id);
      const selection = { sessionId, order: "oldest-first", limit: EVERYTHING } as const;
      if (ids(false).length > 0) rows.push(...(await this.selectAtoms({ ...selection, ids: ids(false) })));
      if (ids(true).length === 0) continue;
      const buried = await this.selectTombstones({ sessionId, limit: EVERYTHING });
      tombstones.push(...buried.filter(({ id }) => ids(true).includes(id)));
    }
    return { rows, tombstones };
  }

  /** One transaction after the other. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    // Its error is for whoever asked.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function compareKeys(left: Omit<HintKey, "isTombstone">, right: Omit<HintKey, "isTombstone">): number {
  const bySession = compareBytes(left.sessionId, right.sessionId);
  if (bySession !== 0 || left.id === right.id) return bySession;
  return left.id < right.id ? -1 : 1;
}

function compareHints(left: HintKey, right: HintKey): number {
  return compareKeys(left, right) || Number(left.isTombstone) - Number(right.isTombstone);
}
