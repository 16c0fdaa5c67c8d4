/** Facts on their way from one replica to another. */
import { compareRows } from "../atom-codec.ts";
import { MemoryError } from "../errors.ts";
import type { AtomRow, Facts, Merged, Tombstone } from "../storage-hooks.ts";
import type { Replica } from "./replica.ts";

/** An atom that a store refuses for good: it holds another one under the same id, or the session belongs to someone else. */
export interface RefusedAtom {
  readonly row: AtomRow;
  readonly error: MemoryError;
}

const MAX_FACTS = 500;
const MAX_UNITS = 4 * 1024 * 1024;

/** Carries facts in batches, so that many small sessions share a round trip. */
export class Courier {
  readonly #from: Replica;
  readonly #to: Replica;
  readonly #onRefused: (refused: RefusedAtom) => void;
  #sessionId = "";
  #ids: string[] = [];
  #rows: AtomRow[] = [];
  #tombstones: Tombstone[] = [];
  #units = 0;
  inserted = 0;
  removed = 0;

  constructor(from: Replica, to: Replica, onRefused: (refused: RefusedAtom) => void) {
    this.#from = from;
    this.#to = to;
    this.#onRefused = onRefused;
  }

  async takeTombstone(tombstone: Tombstone): Promise<void> {
    this.#tombstones.push(tombstone);
    await this.#deliverWhenFull();
  }

  async takeAtom(sessionId: string, id: string): Promise<void> {
    if (sessionId !== this.#sessionId) await this.#fetch();
    this.#sessionId = sessionId;
    if (this.#ids.push(id) >= MAX_FACTS) await this.#fetch();
  }

  /** Delivers what is left. */
  async finish(): Promise<void> {
    await this.#fetch();
    await this.#deliver();
  }

  /** Reads the rows, which are of unknown size, in parts. */
  async #fetch(): Promise<void> {
    const ids = this.#ids;
    this.#ids = [];
    for (const row of ids.length === 0 ? [] : await this.#from.atoms(this.#sessionId, ids)) {
      this.#rows.push(row);
      this.#units += row.content.length + row.metadata.length;
      await this.#deliverWhenFull();
    }
  }

  async #deliverWhenFull(): Promise<void> {
    const isFull = this.#rows.length + this.#tombstones.length >= MAX_FACTS || this.#units >= MAX_UNITS;
    if (isFull) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const facts = { rows: this.#rows.sort(compareRows), tombstones: this.#tombstones.sort(compareRows) };
    [this.#rows, this.#tombstones, this.#units] = [[], [], 0];
    if (facts.rows.length + facts.tombstones.length === 0) return;
    const { inserted, removed } = await mergeAround((part) => this.#to.merge(part), facts, this.#onRefused);
    this.inserted += inserted;
    this.removed += removed;
  }
}

/**
 * Merges facts; where the store refuses them for good, in ever smaller halves, until what it refuses stands alone and the
 * rest is in.
 *
 * @throws what is no refusal: the store could not be asked.
 */
export async function mergeAround(
  merge: (facts: Facts) => Promise<Merged>,
  facts: Facts,
  onRefused: (refused: RefusedAtom) => void,
): Promise<Merged> {
  try {
    return await merge(facts);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [row, ...others] = facts.rows;
    if (row === undefined) throw error;
    if (others.length === 0 && facts.tombstones.length === 0) {
      onRefused({ row, error });
      return { inserted: 0, removed: 0 };
    }
    const parts = partsOf(facts);
    const merged: Merged[] = [];
    for (const part of parts) merged.push(await mergeAround(merge, part, onRefused));
    return {
      inserted: merged.reduce((sum, { inserted }) => sum + inserted, 0),
      removed: merged.reduce((sum, { removed }) => sum + removed, 0),
    };
  }
}

/** The tombstones by themselves, and the rows in halves. */
function partsOf({ rows, tombstones }: Facts): Facts[] {
  const middle = Math.ceil(rows.length / 2);
  const halves = [rows.slice(0, middle), rows.slice(middle)].filter((half) => half.length > 0);
  const parts: Facts[] = halves.map((half) => ({ rows: half, tombstones: [] }));
  return tombstones.length > 0 ? [{ rows: [], tombstones }, ...parts] : parts;
}

/** Codes with which a store refuses what it is given whenever it comes. */
const REFUSALS: ReadonlySet<string> = new Set(["conflict", "permission", "invalid_input"]);

function isRefusal(error: unknown): error is MemoryError {
  return MemoryError.isInstance(error) && REFUSALS.has(error.code);
}
