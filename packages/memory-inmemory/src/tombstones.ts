import { compareBytes, NIL_ID, ownerOf, UNKNOWN_OWNER, type Tombstone, type TombstoneKey } from "@rivet/memory-core";
import { OrderedMap } from "./ordered-map.ts";

/**
 * Tombstones by session, and by id and owner within each; the nil id means the whole session. Tombstones are never
 * removed, only replaced by a tombstone of the whole session.
 */
export class Tombstones {
  readonly #bySession = new OrderedMap<OrderedMap<Tombstone>>(compareBytes);

  /** Whether a tombstone excludes an atom of a user: its own, or the one of its session. */
  isBuried(sessionId: string, id: string, userId: string): boolean {
    const tombstones = this.#bySession.get(sessionId);
    if (tombstones === undefined) return false;
    const owners = [UNKNOWN_OWNER, ownerOf(userId)];
    return [NIL_ID, id].some((each) =>
      owners.some((owner) => tombstones.get(keyOf({ id: each, owner })) !== undefined),
    );
  }

  /** The owners of the tombstones of the whole session. */
  *deletedFor(sessionId: string): Generator<string> {
    for (const { id, owner } of this.#bySession.get(sessionId)?.values() ?? []) {
      if (id !== NIL_ID) return;
      yield owner;
    }
  }

  /** Whether a tombstone of the whole session, of this owner or of all users, replaces it. */
  isCovered({ sessionId, owner }: Pick<TombstoneKey, "sessionId" | "owner">): boolean {
    const tombstones = this.#bySession.get(sessionId);
    if (tombstones === undefined) return false;
    return [UNKNOWN_OWNER, owner].some((each) => tombstones.get(keyOf({ id: NIL_ID, owner: each })) !== undefined);
  }

  /** Adds a tombstone, unless it exists. A tombstone of a whole session replaces all that it covers. */
  add(tombstone: Tombstone): void {
    const { sessionId, id, owner } = tombstone;
    if (this.isCovered(tombstone)) return;
    let ofSession = this.#bySession.get(sessionId);
    if (ofSession === undefined) this.#bySession.set(sessionId, (ofSession = new OrderedMap<Tombstone>()));
    if (id === NIL_ID) {
      const replaced = [...ofSession.values()].filter((each) => owner === UNKNOWN_OWNER || each.owner === owner);
      for (const each of replaced) ofSession.delete(keyOf(each));
    }
    if (ofSession.get(keyOf(tombstone)) === undefined) ofSession.set(keyOf(tombstone), tombstone);
  }

  /** The tombstones in the order of (sessionId, id, owner), after a key. */
  *after(after: TombstoneKey | undefined): Generator<Tombstone> {
    if (after !== undefined) yield* this.ofSession(after.sessionId, after);
    for (const [, tombstones] of this.#bySession.after(after?.sessionId)) yield* tombstones.values();
  }

  *ofSession(sessionId: string, after: Pick<TombstoneKey, "id" | "owner"> | undefined): Generator<Tombstone> {
    for (const [, tombstone] of this.#bySession.get(sessionId)?.after(after && keyOf(after)) ?? []) yield tombstone;
  }
}

function keyOf({ id, owner }: Pick<TombstoneKey, "id" | "owner">): string {
  return `${id} ${owner}`;
}
