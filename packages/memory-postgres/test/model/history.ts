/** The history of a run, as far as it determines the expected content of the stores. */
import { NIL_ID } from "@rivet/memory-core";
import type { Contents } from "./hinting-storage.ts";

export interface Key {
  readonly sessionId: string;
  readonly id: string;
}

interface AtomHistory extends Key {
  /** The allowed contents: two of them after a client used an id twice. */
  readonly contents: Set<string>;
  /** The stores that took it from a client, and have not lost it in a restore. */
  readonly acceptedBy: Set<string>;
}

interface TombstoneHistory extends Key {
  readonly acceptedBy: Set<string>;
}

export class History {
  readonly atoms = new Map<string, AtomHistory>();
  readonly tombstones = new Map<string, TombstoneHistory>();
  /** Pairs of stores of which the first may hold what the second lacks, and has no hint of. */
  readonly marked = new Set<string>();

  accepted(store: string, key: Key, content: string): void {
    const name = nameOf(key);
    const { sessionId, id } = key;
    const atom = this.atoms.get(name) ?? { sessionId, id, contents: new Set(), acceptedBy: new Set() };
    atom.contents.add(content);
    atom.acceptedBy.add(store);
    this.atoms.set(name, atom);
  }

  buried(store: string, { sessionId, id }: Key): void {
    const name = nameOf({ sessionId, id });
    const tombstone = this.tombstones.get(name) ?? { sessionId, id, acceptedBy: new Set() };
    tombstone.acceptedBy.add(store);
    this.tombstones.set(name, tombstone);
  }

  isDeleted({ sessionId, id }: Key): boolean {
    return this.isSessionDeleted(sessionId) || this.tombstones.has(nameOf({ sessionId, id }));
  }

  isSessionDeleted(sessionId: string): boolean {
    return this.tombstones.has(nameOf({ sessionId, id: NIL_ID }));
  }

  mark(from: string, to: string): void {
    this.marked.add(`${from} ${to}`);
  }

  isMarked(from: string, to: string): boolean {
    return this.marked.has(`${from} ${to}`);
  }

  /** Two stores or more hold the same now. */
  repaired(names: readonly string[]): void {
    for (const from of names) for (const to of names) this.marked.delete(`${from} ${to}`);
  }

  /**
   * A store has been put back to what it was: what it alone had is lost, which is what one acknowledgement promises.
   *
   * @param contents of all stores, by name, as they are now.
   */
  restored(store: string, contents: ReadonlyMap<string, Contents>): void {
    const holds = (name: string, key: Key): boolean =>
      contents.get(name)?.rows.some((row) => isSame(row, key)) === true;
    const names = [...contents.keys()];
    for (const [name, tombstone] of this.tombstones) {
      if (!isBuriedIn(contents.get(store), tombstone)) tombstone.acceptedBy.delete(store);
      if (!names.some((other) => isBuriedIn(contents.get(other), tombstone))) this.tombstones.delete(name);
    }
    for (const [name, atom] of this.atoms) {
      if (!holds(store, atom)) atom.acceptedBy.delete(store);
      if (!this.isDeleted(atom) && !names.some((other) => holds(other, atom))) this.atoms.delete(name);
    }
    for (const from of names) for (const to of names) if (from !== to) this.mark(from, to);
  }
}

function isSame(left: Key, right: Key): boolean {
  return left.id === right.id && left.sessionId === right.sessionId;
}

/** Whether a store has the tombstone, or that of its session, which stands for it. */
export function isBuriedIn(contents: Contents | undefined, { sessionId, id }: Key): boolean {
  return (
    contents?.tombstones.some((other) => other.sessionId === sessionId && (other.id === id || other.id === NIL_ID)) ===
    true
  );
}

export function nameOf({ sessionId, id }: Key): string {
  return `${sessionId} ${id}`;
}
