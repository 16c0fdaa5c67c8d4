/** Three stores, the clients that write to them, and all that may happen to either. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { AtomClock, MemoryError, NIL_ID, type NewMemoryAtom } from "@rivet/memory-core";
import { drain, type DrainTarget } from "../../src/replication/delivery/drain.ts";
import { PageLength } from "../../src/journal/page-length.ts";
import { Pace, pacedHints, pacedTarget, turns, unreachable, type Fault } from "./faults.ts";
import { HintingStorage, type Contents } from "./hinting-storage.ts";
import { History, isBuriedIn, type Key } from "./history.ts";
import type { Machinery, Turn } from "./machinery.ts";

export const STORES = ["neon", "supabase", "railway"] as const;
export const WRITERS = 2;
/** Small, so that a few turns make several pages. */
const PAGE_HINTS = 3;
const START_MS = Date.UTC(2026, 0, 1);

export interface DrainerPlan {
  /** The duration of each step, used in a cycle. */
  readonly turns: readonly number[];
  readonly fault: Fault | undefined;
  /** The time that it waits for a target; without it, without a limit. */
  readonly patienceTurns: number | undefined;
}

interface Member {
  store: HintingStorage;
  isCut: boolean;
  /** Whether others know that it is cut. */
  isNoticed: boolean;
  backup: Contents | undefined;
}

export class Cluster {
  readonly history = new History();
  readonly #machinery: Machinery;
  readonly #members: readonly Member[];
  readonly #clocks: readonly AtomClock[];
  readonly #offsetsMs = Array.from({ length: WRITERS }, () => 0);
  readonly #storeClock: AtomClock;
  #nowMs = START_MS;
  #random = 0;
  #said = 0;

  constructor(machinery: Machinery) {
    this.#machinery = machinery;
    const random = (): Uint8Array => this.#nextBytes();
    this.#storeClock = new AtomClock({ now: () => this.#nowMs, random });
    this.#clocks = this.#offsetsMs.map(
      (_, writer) => new AtomClock({ now: () => this.#nowMs + (this.#offsetsMs[writer] ?? 0), random }),
    );
    this.#members = STORES.map((name) => this.#memberOf(new HintingStorage(name, this.#storeClock)));
  }

  get stores(): readonly HintingStorage[] {
    return this.#members.map(({ store }) => store);
  }

  async contents(): Promise<Map<string, Contents>> {
    const all = await Promise.all(this.stores.map((store) => store.contents()));
    return new Map(this.stores.map(({ name }, index) => [name, all[index] ?? { rows: [], tombstones: [], hints: [] }]));
  }

  /**
   * A turn, at a store or the next one that can be reached. @param repeatAt where it is repeated, as its reply is lost.
   */
  async save(
    writer: number,
    sessionId: string,
    atoms: number,
    at: number,
    repeatAt: number | undefined,
  ): Promise<void> {
    this.#nowMs += 1;
    const turn = Array.from({ length: atoms }, () => this.#newAtom(writer, sessionId));
    const first = this.#reachable(at);
    if (first === undefined) return;
    const isLost = repeatAt !== undefined;
    const isTaken = await this.#attempt(first, turn, () => {
      if (isLost) throw unreachable("the writer");
    });
    const second = isLost ? this.#reachable(repeatAt) : undefined;
    if (isTaken !== "lost" || second === undefined) return;
    const again = this.#machinery.repeated(turn, () => this.#clockOf(writer).next());
    await this.#attempt(second, again, () => undefined);
  }

  /** A client that uses an id again, for something else. */
  async misuse(key: Key, at: number): Promise<void> {
    const store = this.#reachable(at);
    if (store === undefined) return;
    const { rows } = await store.contents();
    const isThere = rows.some(({ sessionId, id }) => sessionId === key.sessionId && id === key.id);
    const outcome = await this.#attempt(store, [this.#atom(key.sessionId, key.id)], () => undefined);
    if (isThere !== (outcome === "conflict"))
      throw new Error(`${store.name} says ${outcome} to an id with other content`);
  }

  async deleteAtom({ sessionId, id }: Key, at: number): Promise<void> {
    const store = this.#reachable(at);
    if (store === undefined) return;
    await this.#machinery.deleteAtoms(store, sessionId, [id]);
    if (isBuriedIn(await store.contents(), { sessionId, id })) this.history.buried(store.name, { sessionId, id });
  }

  async deleteSession(sessionId: string, at: number): Promise<void> {
    const store = this.#reachable(at);
    if (store === undefined) return;
    await this.#machinery.deleteSession(store, sessionId);
    const key = { sessionId, id: NIL_ID };
    if (isBuriedIn(await store.contents(), key)) this.history.buried(store.name, key);
  }

  cut(at: number, isNoticed: boolean): void {
    const member = this.#member(at);
    member.isCut = true;
    member.isNoticed = isNoticed;
  }

  reconnect(at: number): void {
    this.#member(at).isCut = false;
  }

  /** Any number of drainers of one store, at once, and something else meanwhile. */
  async drain(at: number, plans: readonly DrainerPlan[], meanwhile: () => Promise<void>): Promise<void> {
    const { store, isCut } = this.#member(at);
    if (isCut) return;
    const drainers = plans.map((plan) => this.#drainOnce(store, plan).catch(assertInjected));
    await Promise.all([...drainers, meanwhile()]);
    // What a drainer has lost its patience with goes on: no step of it is more than a microtask.
    await nextTurn();
  }

  /** Drops hints, oldest ids first, beyond so many of one target or of all, and marks whom they were for. */
  drop(at: number, target: string, keep: number): void {
    const { store } = this.#member(at);
    let seen = 0;
    if (store.drop(target, () => (seen += 1) > keep) === 0) return;
    for (const name of STORES) {
      if (name !== store.name && (target === "*" || target === name)) this.history.mark(store.name, name);
    }
  }

  async backUp(at: number): Promise<void> {
    const member = this.#member(at);
    member.backup = await member.store.contents();
  }

  async restore(at: number): Promise<void> {
    const member = this.#member(at);
    if (member.backup === undefined) return;
    member.store = await HintingStorage.from(member.store.name, this.#storeClock, member.backup);
    this.history.restored(member.store.name, await this.contents());
  }

  async repair(ats: readonly number[]): Promise<void> {
    const members = ats.map((at) => this.#member(at));
    if (members.some(({ isCut }) => isCut)) return;
    await this.#machinery.makeEqual(members.map(({ store }) => store.replica));
    this.history.repaired(members.map(({ store }) => store.name));
  }

  /** Sets a writer's clock ahead of the others' or behind. */
  skew(writer: number, offsetMs: number): void {
    this.#offsetsMs[writer] = offsetMs;
  }

  /** All faults end: drains until there are no hints, and a repair where a pair is marked. */
  async settleDown(): Promise<void> {
    for (const at of STORES.keys()) this.reconnect(at);
    const plan: DrainerPlan = { turns: [0], fault: undefined, patienceTurns: undefined };
    for (const at of STORES.keys()) await this.drain(at, [plan], async () => undefined);
    if (this.history.marked.size > 0) await this.repair([...STORES.keys()]);
  }

  /** @returns what became of it. */
  async #attempt(
    store: HintingStorage,
    turn: Turn,
    interrupt: () => void,
  ): Promise<"saved" | "lost" | "deleted" | "conflict"> {
    const outcome = await this.#machinery.save(store, turn, interrupt).then(
      () => "saved" as const,
      (error: unknown) => outcomeOf(error),
    );
    const contents = await store.contents();
    for (const { sessionId, id = "", content } of turn) {
      const text = JSON.stringify(content);
      const isThere = contents.rows.some((row) => row.id === id && row.sessionId === sessionId && row.content === text);
      if (isThere) this.history.accepted(store.name, { sessionId, id }, text);
      else if (outcome === "saved" && !isBuriedIn(contents, { sessionId, id })) {
        throw new Error(`${store.name} acknowledged ${id} and has not got it`);
      }
    }
    return outcome;
  }

  async #drainOnce(store: HintingStorage, plan: DrainerPlan): Promise<void> {
    const pace = new Pace(plan.turns, plan.fault);
    const { patienceTurns } = plan;
    const targets = this.#members
      .filter((member) => member.store !== store)
      .map((member) => pacedTarget(this.#targetOf(member), pace));
    await drain(pacedHints(this.#machinery.hintsOf(store), pace), targets, {
      pageLength: new PageLength({ mostRows: () => PAGE_HINTS, nowMs: () => 0 }),
      pause: () => turns(1),
      patience: () => (patienceTurns === undefined ? new Promise(() => undefined) : turns(patienceTurns)),
    });
  }

  #targetOf(member: Member): DrainTarget {
    const { merge, take } = this.#machinery.targetOf(member.store);
    const reached = <Result>(work: () => Promise<Result>): Promise<Result> =>
      member.isCut ? Promise.reject(unreachable(member.store.name)) : work();
    return {
      name: member.store.name,
      isUsable: () => !member.isCut || !member.isNoticed,
      merge: (facts) => reached(() => merge(facts)),
      ...(take === undefined ? {} : { take: (packed) => reached(() => take(packed)) }),
    };
  }

  #newAtom(writer: number, sessionId: string): NewMemoryAtom {
    return this.#atom(sessionId, this.#clockOf(writer).next());
  }

  /** Creates an atom with unique content. */
  #atom(sessionId: string, id: string): NewMemoryAtom {
    this.#said += 1;
    return { sessionId, id, userId: "ada", memoryType: "message_user", content: `${this.#said}` };
  }

  /** A store, or the next one that is not cut. */
  #reachable(at: number): HintingStorage | undefined {
    return STORES.map((_, index) => this.#member((at + index) % STORES.length)).find(({ isCut }) => !isCut)?.store;
  }

  #member(at: number): Member {
    const member = this.#members[at];
    if (member === undefined) throw new RangeError(`there is no store ${at}`);
    return member;
  }

  #memberOf(store: HintingStorage): Member {
    return { store, isCut: false, isNoticed: false, backup: undefined };
  }

  #clockOf(writer: number): AtomClock {
    const clock = this.#clocks[writer];
    if (clock === undefined) throw new RangeError(`there is no writer ${writer}`);
    return clock;
  }

  /** Unlike any before, and the same in every run. */
  #nextBytes(): Uint8Array {
    const bytes = new Uint8Array(16);
    // A linear congruential generator, so that the XOR of a few of them is not that of others.
    for (let index = 0; index < bytes.length; index += 1) {
      this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[index] = this.#random >>> 24;
    }
    return bytes;
  }
}

function outcomeOf(error: unknown): "lost" | "deleted" | "conflict" {
  const code = MemoryError.isInstance(error) ? error.code : undefined;
  if (code === "unavailable") return "lost";
  if (code === "not_found") return "deleted";
  if (code === "conflict") return "conflict";
  throw error;
}

/** A drain throws what its own store throws: that was asked for. */
function assertInjected(error: unknown): void {
  if (!MemoryError.isInstance(error) || error.code !== "unavailable") throw error;
}
