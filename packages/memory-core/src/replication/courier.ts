/** Copies facts from one replica to another, in batches. */
import { compareRows } from "../atom/atom-codec.ts";
import { MemoryError } from "../errors/errors.ts";
import { isLarge } from "../backend/row-room.ts";
import { compareTombstones } from "../backend/owner.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { AtomKey, Facts, Merged, Tombstone } from "../backend/storage-hooks.ts";
import type { Replica } from "./replica.ts";

/**
 * An atom that a store refuses permanently: the store has other content under the same id, or the session belongs to
 * another user. Or a tombstone, in a store that accepts deletions only from authorised clients.
 */
export interface RefusedAtom {
  readonly row: AtomKey;
  readonly error: MemoryError;
}

const MAX_FACTS = 500;
const MAX_UNITS = 1024 * 1024;
/**
 * Sessions are carried one after the other. A session that takes longer than this, such as one with a large atom, no
 * longer delays the next, and up to {@link MAX_READS} are then in flight. Four in flight from the start needed 35 MB
 * more.
 */
const PATIENCE_MS = 250;
const MAX_READS = 4;

/**
 * Copies facts in batches, so that many small sessions share a round trip. A large atom is sent separately, in parallel
 * with the others. An error in the background is thrown by the next call.
 */
export class Courier {
  readonly #from: Replica;
  readonly #to: Replica;
  readonly #onRefused: (refused: RefusedAtom) => void;
  #sessionId = "";
  #ids: string[] = [];
  #rows: AtomRow[] = [];
  #tombstones: Tombstone[] = [];
  #units = 0;
  readonly #underWay = new Set<Promise<void>>();
  #latest: Promise<void> = Promise.resolve();
  readonly #faults: unknown[] = [];
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

  /** Delivers the remaining facts. */
  async finish(): Promise<void> {
    await this.#fetch();
    await this.settle();
    this.#throwFault();
    await this.#deliver();
  }

  /** Waits for all deliveries, whether they succeed or fail, so that nothing continues after the copy has ended. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Starts to read and deliver rows, whose size is unknown. */
  async #fetch(): Promise<void> {
    const [sessionId, ids] = [this.#sessionId, this.#ids];
    this.#ids = [];
    await endOrTimeout(this.#latest, PATIENCE_MS);
    while (this.#underWay.size >= MAX_READS) await Promise.race(this.#underWay);
    this.#throwFault();
    if (ids.length === 0) return;
    const bringing: Promise<void> = this.#bring(sessionId, ids)
      .catch((error: unknown) => void this.#faults.push(error))
      .finally(() => this.#underWay.delete(bringing));
    this.#underWay.add(bringing);
    this.#latest = bringing;
  }

  async #bring(sessionId: string, ids: readonly string[]): Promise<void> {
    for (const row of await this.#from.atoms(sessionId, ids)) {
      if (isLarge([row])) {
        await this.#merge({ rows: [row], tombstones: [] });
        continue;
      }
      this.#rows.push(row);
      this.#units += row.content.length + row.metadata.length;
      await this.#deliverWhenFull();
    }
  }

  #throwFault(): void {
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  async #deliverWhenFull(): Promise<void> {
    const isFull = this.#rows.length + this.#tombstones.length >= MAX_FACTS || this.#units >= MAX_UNITS;
    if (isFull) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const facts = { rows: this.#rows.sort(compareRows), tombstones: this.#tombstones.sort(compareTombstones) };
    [this.#rows, this.#tombstones, this.#units] = [[], [], 0];
    if (facts.rows.length + facts.tombstones.length > 0) await this.#merge(facts);
  }

  async #merge(facts: Facts): Promise<void> {
    const { inserted, removed } = await mergeAround((part) => this.#to.merge(part), facts, this.#onRefused);
    this.inserted += inserted;
    this.removed += removed;
  }
}

/** Waits for work that never rejects, and for no longer than a time. */
async function endOrTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/**
 * Merges facts. If the store permanently refuses them, splits them into ever smaller parts, until each refused fact
 * stands alone and all others are merged.
 *
 * @throws any error that is not a refusal, such as an unreachable store.
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
    const [row, ...others] = [...facts.tombstones, ...facts.rows];
    if (row === undefined) throw error;
    if (others.length === 0) {
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

/**
 * Splits facts into parts: the tombstones, and the rows in two halves; or, without rows, the tombstones in two halves.
 */
function partsOf({ rows, tombstones }: Facts): Facts[] {
  if (rows.length === 0) return halvesOf(tombstones).map((half) => ({ rows: [], tombstones: half }));
  const parts: Facts[] = halvesOf(rows).map((half) => ({ rows: half, tombstones: [] }));
  return tombstones.length > 0 ? [{ rows: [], tombstones }, ...parts] : parts;
}

function halvesOf<Item>(items: readonly Item[]): (readonly Item[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)].filter((half) => half.length > 0);
}

/** Error codes of a permanent refusal. */
const REFUSALS: ReadonlySet<string> = new Set(["conflict", "permission", "invalid_input"]);

function isRefusal(error: unknown): error is MemoryError {
  return MemoryError.isInstance(error) && REFUSALS.has(error.code);
}
