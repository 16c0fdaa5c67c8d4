import {
  isSameAtom,
  MemoryError,
  MemoryStorage,
  type AtomRow,
  type AtomSelection,
  type AtomTypes,
  type AtomWrite,
  type AtomWriteResult,
} from "../src/index.ts";

/** A storage of atoms and nothing else, whose rows a test may reach. */
export class TinyStorage<Types extends AtomTypes = {}> extends MemoryStorage<Types> {
  protected override readonly backend = "tiny";
  rows: AtomRow[] = [];

  protected override async openBackend(): Promise<void> {}
  protected override async closeBackend(): Promise<void> {}

  protected override async writeAtoms({ rows }: AtomWrite): Promise<AtomWriteResult> {
    const isNew = (row: AtomRow): boolean =>
      !this.rows.some((stored) => stored.id === row.id && isSameAtom(stored, row));
    const written = rows.filter(isNew);
    this.rows.push(...written);
    return { written: written.length, acceptedBy: [this.backend], degraded: false };
  }

  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    const { memoryTypes, beforeId = "~", afterId = "", order, limit } = selection;
    const rows = this.rows
      .filter(({ id, memoryType }) => id < beforeId && id > afterId && (memoryTypes?.includes(memoryType) ?? true))
      .toSorted((left, right) => (left.id < right.id ? -1 : 1));
    return (order === "oldest-first" ? rows : rows.toReversed()).slice(0, limit);
  }

  protected override selectSession(): Promise<never> {
    return this.#refuse();
  }
  protected override selectHeads(): Promise<never> {
    return this.#refuse();
  }
  protected override deleteAtoms(): Promise<never> {
    return this.#refuse();
  }
  protected override selectExpired(): Promise<never> {
    return this.#refuse();
  }
  protected override selectTombstones(): Promise<never> {
    return this.#refuse();
  }
  protected override mergeFacts(): Promise<never> {
    return this.#refuse();
  }
  async #refuse(): Promise<never> {
    throw new Error("this storage has no sessions");
  }

  protected override toMemoryError(cause: unknown): MemoryError {
    return new MemoryError({ code: "unknown", message: String(cause), cause });
  }
}
