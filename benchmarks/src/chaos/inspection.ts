/** Compares what was acknowledged with what the stores hold. Pure: it is shown the stores' atoms one by one. */
import { isBeyondItsClocks } from "./clocks.ts";
import type { History } from "./history.ts";

export interface StoredAtom {
  readonly sessionId: string;
  readonly id: string;
  /** The token that its content bears, if it does. */
  readonly token: string | undefined;
}

/** Each is one atom, with a sentence that says what is wrong. */
export interface Findings {
  /** Acknowledged, not deleted, and missing in at least one store. */
  readonly lost: readonly string[];
  /** Its content is there under two ids. */
  readonly doubled: readonly string[];
  /** Nobody attempted it, or not under this id. */
  readonly foreign: readonly string[];
  /** Its deletion, or its session's, was acknowledged. */
  readonly resurrected: readonly string[];
}

interface Sighting {
  readonly id: string;
  readonly stores: Set<string>;
}

export class Inspection {
  readonly #history: History;
  readonly #stores: readonly string[];
  readonly #seen = new Map<string, Sighting>();
  readonly #doubled = new Map<string, string>();
  readonly #foreign = new Map<string, string>();
  readonly #resurrected = new Map<string, string>();

  /** @param stores the names of all that are to hold everything. */
  constructor(history: History, stores: readonly string[]) {
    this.#history = history;
    this.#stores = stores;
  }

  see(store: string, { sessionId, id, token }: StoredAtom): void {
    const attempt = token === undefined ? undefined : this.#history.attempted.get(token);
    if (token === undefined || attempt?.sessionId !== sessionId || (attempt.id ?? id) !== id) {
      const name = token === undefined ? "an atom without token" : token;
      this.#foreign.set(id, `${name}, ${id} of ${sessionId}, is in ${store}, and nobody attempted it`);
      return;
    }
    if (this.#history.deleted.covers(sessionId, token)) {
      this.#resurrected.set(token, `${token}, ${id} of ${sessionId}, was deleted, and is in ${store}`);
    }
    const sighting = this.#seen.get(token);
    if (sighting === undefined) {
      this.#seen.set(token, { id, stores: new Set([store]) });
      return;
    }
    sighting.stores.add(store);
    if (sighting.id === id) return;
    this.#doubled.set(token, `${token} of ${sessionId} is there as ${sighting.id} and, in ${store}, as ${id}`);
  }

  /** To be called when all atoms of all stores were shown. */
  findings(): Findings {
    const values = (found: ReadonlyMap<string, string>): string[] => [...found.values()];
    return {
      lost: [...this.#lost()],
      doubled: values(this.#doubled),
      foreign: values(this.#foreign),
      resurrected: values(this.#resurrected),
    };
  }

  *#lost(): Generator<string> {
    for (const [token, { acceptedBy, atMs }] of this.#history.acknowledged) {
      const attempt = this.#history.attempted.get(token);
      const sessionId = attempt?.sessionId ?? "";
      // A deletion that was attempted may have been done, also where its answer was lost.
      if (this.#history.deleting.covers(sessionId, token)) continue;
      const stores = [...(this.#seen.get(token)?.stores ?? [])];
      const missing = this.#stores.filter((store) => !stores.includes(store));
      if (missing.length === 0) continue;
      const places = stores.length === 0 ? "is nowhere" : `is in ${stores.join(" and ")} alone`;
      const by = acceptedBy.length === 0 ? "" : ` by ${acceptedBy.join(" and ")}`;
      const time = new Date(atMs).toISOString();
      yield `${token}, ${attempt?.id ?? "of unknown id"} of ${sessionId}, acknowledged${by} at ${time}, ${places}`;
    }
  }
}

/** Ids that show a clock which has followed one that is far ahead, a sentence each. */
export function clockProblems(history: History): string[] {
  const problems: string[] = [];
  for (const [token, { sessionId, id, ...reading }] of history.attempted) {
    if (id === undefined || !isBeyondItsClocks(id, reading)) continue;
    const clock = new Date(reading.clockMs).toISOString();
    problems.push(
      `${token}, ${id} of ${sessionId}, was made when its writer's clock was at ${clock}, and is ahead of that`,
    );
  }
  return problems;
}

/**
 * Whether each message comes after all that its writer's session held when it was written and its writer's clock
 * follows: the last of these is enough. Messages of a clock that is far ahead come after those of the others, until a
 * clock reaches their time.
 *
 * @param sessions the ids of the messages of each session, in the order in which a load gives them.
 * @returns what is not so, a sentence each.
 */
export function orderProblems(history: History, sessions: ReadonlyMap<string, readonly string[]>): string[] {
  const placesOf = new Map(
    [...sessions].map(([sessionId, ids]) => [sessionId, new Map(ids.map((id, place) => [id, place]))]),
  );
  const problems: string[] = [];
  for (const [token, { sessionId, id, afterId }] of history.attempted) {
    if (id === undefined || afterId === undefined) continue;
    const places = placesOf.get(sessionId);
    const [place, placeBefore] = [places?.get(id), places?.get(afterId)];
    // What was deleted, or never stored, has no place; then the ids alone tell.
    const isInOrder = place === undefined || placeBefore === undefined ? id > afterId : place > placeBefore;
    if (!isInOrder) problems.push(`${token}, ${id} of ${sessionId}, was written after ${afterId}, and comes before it`);
  }
  return problems;
}
