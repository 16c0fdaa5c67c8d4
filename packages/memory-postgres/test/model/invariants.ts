/** The invariants that hold after every step, whatever failed. */
import { xorIds, NIL_ID } from "@rivet/memory-core";
import { STORES, type Cluster } from "./cluster.ts";
import type { Contents } from "./hinting-storage.ts";
import { nameOf, type History, type Key } from "./history.ts";

/** A store's contents by name, to be asked often. */
class View {
  readonly name: string;
  readonly contents: Contents;
  readonly atoms: ReadonlySet<string>;
  readonly tombstones: ReadonlySet<string>;
  readonly #hints: ReadonlySet<string>;

  constructor(name: string, contents: Contents) {
    this.name = name;
    this.contents = contents;
    this.atoms = new Set(contents.rows.map(nameOf));
    this.tombstones = new Set(contents.tombstones.map(nameOf));
    this.#hints = new Set(contents.hints.map((hint) => `${hint.target} ${hint.isTombstone} ${nameOf(hint)}`));
  }

  isBuried(key: Key): boolean {
    return this.tombstones.has(nameOf({ ...key, id: NIL_ID })) || this.tombstones.has(nameOf(key));
  }

  hints(target: string, isTombstone: boolean, key: Key): boolean {
    return ["*", target].some((name) => this.#hints.has(`${name} ${isTombstone} ${nameOf(key)}`));
  }
}

async function viewsOf(cluster: Cluster): Promise<View[]> {
  return [...(await cluster.contents())].map(([name, contents]) => new View(name, contents));
}

export async function assertInvariants(cluster: Cluster): Promise<void> {
  const views = await viewsOf(cluster);
  for (const view of views) {
    assertNothingTwice(view);
    assertContentsKept(view, cluster.history);
    assertBuried(view);
  }
  assertOnTheirWay(views, cluster.history);
}

/** 2: every text was said once. */
function assertNothingTwice({ name, contents: { rows } }: View): void {
  const texts = new Set(rows.map(({ content }) => content));
  if (texts.size < rows.length) throw new Error(`invariant 2: ${name} says something twice`);
}

/** 3, and nothing that nobody said. */
function assertContentsKept({ name, contents: { rows } }: View, history: History): void {
  for (const row of rows) {
    const isKnown = history.atoms.get(nameOf(row))?.contents.has(row.content) === true;
    if (!isKnown) throw new Error(`invariant 3: ${name} holds ${row.id} with ${row.content}, which nobody accepted`);
  }
}

/** 6: no tombstone beside what it names. */
function assertBuried(view: View): void {
  const risen = view.contents.rows.find((row) => view.isBuried(row));
  if (risen !== undefined) throw new Error(`invariant 6: ${view.name} shows ${risen.id}, which is deleted`);
}

/** 1 and 4: what a store accepted is there, and everywhere else, or on its way. */
function assertOnTheirWay(views: readonly View[], history: History): void {
  for (const atom of history.atoms.values()) {
    if (history.isDeleted(atom)) continue;
    for (const view of views.filter(({ name }) => atom.acceptedBy.has(name))) {
      if (!view.atoms.has(nameOf(atom))) throw new Error(`invariant 1: ${view.name} has lost ${atom.id}`);
      assertReaches(view, views, history, atom, false, (other) => other.atoms.has(nameOf(atom)));
    }
  }
  for (const tombstone of history.tombstones.values()) {
    const isCovered = tombstone.id !== NIL_ID && history.isSessionDeleted(tombstone.sessionId);
    for (const view of isCovered ? [] : views.filter(({ name }) => tombstone.acceptedBy.has(name))) {
      if (!view.isBuried(tombstone))
        throw new Error(`invariant 6: ${view.name} has lost the tombstone ${tombstone.id}`);
      assertReaches(view, views, history, tombstone, true, (other) => other.isBuried(tombstone));
    }
  }
}

function assertReaches(
  from: View,
  views: readonly View[],
  history: History,
  key: Key,
  isTombstone: boolean,
  has: (view: View) => boolean,
): void {
  for (const to of views) {
    if (to === from || has(to) || from.hints(to.name, isTombstone, key) || history.isMarked(from.name, to.name))
      continue;
    const fact = isTombstone ? "the tombstone" : "the atom";
    throw new Error(
      `invariant 4: ${from.name} accepted ${fact} ${key.id}; ${to.name} has not got it, and no hint leads there`,
    );
  }
}

/** 5: once faults have ended and all is drained and repaired. */
export async function assertConverged(cluster: Cluster): Promise<void> {
  const views = await viewsOf(cluster);
  const { history } = cluster;
  const expected = [...history.atoms].filter(([, atom]) => !history.isDeleted(atom)).map(([name]) => name);
  for (const view of views) {
    const left = view.contents.hints.length;
    if (left > 0) throw new Error(`invariant 5: ${view.name} keeps ${left} hints`);
    assertSame("atoms", view, [...view.atoms], expected);
    assertSame("tombstones", view, [...view.tombstones], [...(views[0]?.tombstones ?? [])]);
    await assertHeadsAgree(cluster, view);
  }
}

function assertSame(what: string, { name }: View, found: readonly string[], expected: readonly string[]): void {
  const [left, right] = [new Set(found), new Set(expected)];
  const [missing, foreign] = [expected.filter((one) => !left.has(one)), found.filter((one) => !right.has(one))];
  if (missing.length + foreign.length === 0) return;
  throw new Error(
    `invariant 5: of the ${what}, ${name} lacks ${missing.join() || "none"}, and has ${foreign.join() || "none"} too much`,
  );
}

/** Digests are what a repair trusts. */
async function assertHeadsAgree(cluster: Cluster, view: View): Promise<void> {
  const store = cluster.stores[STORES.findIndex((name) => name === view.name)];
  const digests = (await store?.replica.sessions({ after: "" }, 100)) ?? [];
  const sessions = Map.groupBy(view.contents.rows, ({ sessionId }) => sessionId);
  for (const { sessionId, atomCount, idXor } of digests) {
    const ids = (sessions.get(sessionId) ?? []).map(({ id }) => id);
    if (atomCount === ids.length && idXor === xorIds(ids)) continue;
    throw new Error(`the head of ${sessionId} in ${view.name} is not that of its atoms`);
  }
}
