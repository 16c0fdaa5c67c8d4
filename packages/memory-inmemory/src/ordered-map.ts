import sortedBTree from "sorted-btree";

// The package is CommonJS: Node imports the module itself as the default import, most bundlers its default export.
const BTree = sortedBTree.default ?? sortedBTree;

/** A B+ tree with string keys: O(log n) for each operation. */
export class OrderedMap<Value> {
  readonly #tree: InstanceType<typeof BTree<string, Value>>;

  /** @param order The order of the keys. Default: by code units. */
  constructor(order: (left: string, right: string) => number = compare) {
    this.#tree = new BTree<string, Value>(undefined, order);
  }

  get isEmpty(): boolean {
    return this.#tree.isEmpty;
  }

  get(key: string): Value | undefined {
    return this.#tree.get(key);
  }

  set(key: string, value: Value): void {
    this.#tree.set(key, value);
  }

  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** The least key. */
  firstKey(): string | undefined {
    return this.#tree.minKey();
  }

  /** The greatest key. */
  lastKey(): string | undefined {
    return this.#tree.maxKey();
  }

  values(): Iterable<Value> {
    return this.#tree.values();
  }

  /** The entries after a key, ascending; all of them without one. */
  *after(key: string | undefined): Generator<[string, Value]> {
    for (const entry of this.#tree.entries(key)) if (entry[0] !== key) yield entry;
  }

  /** The entries before a key, descending; all of them without one. */
  before(key: string | undefined): Iterable<[string, Value]> {
    return this.#tree.entriesReversed(key, undefined, true);
  }
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
