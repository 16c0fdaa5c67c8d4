/** Replicates the writes that one provider of a storage accepted to the others. */
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { DatabaseManager } from "@rivet/db-manager";
import { readOptions, type Facts, type Replica } from "@rivet/memory-core";
import { isProvidersFault } from "../errors.ts";
import { KnownDeletions } from "../write/known-deletions.ts";
import { Statements } from "../statements/index.ts";
import type { TablePlaces } from "../providers/table-places.ts";
import { Books } from "./books.ts";
import { DrainSchedule } from "./delivery/drain-schedule.ts";
import { drain, type Drained, type DrainTarget } from "./delivery/drain.ts";
import { Heartbeats } from "./heartbeats.ts";
import { HintTable } from "./delivery/hint-table.ts";
import type { LargeHint } from "./delivery/hints.ts";
import { bringLargeAtoms, LargeAtoms } from "./delivery/large-atoms.ts";
import { PageLength } from "../journal/page-length.ts";
import { Peers } from "./peers.ts";
import { placesOf, type AtomPlaces } from "./places.ts";
import { ProviderReplica } from "./provider-replica.ts";
import { assertProviders, repair, REPAIR_FIELDS, type RepairOptions, type RepairReport } from "./repair.ts";
import { newestLetters, reportOf } from "./report.ts";
import type { ReplicationSettings } from "./settings.ts";
import { ReplicationStatements } from "./statements/index.ts";
import type { ReplicationStatus } from "./status.ts";

interface ReplicatorInit {
  readonly db: DatabaseManager;
  readonly places: TablePlaces;
  readonly isOneSessionPerStatement: boolean;
  readonly settings: ReplicationSettings;
  readonly nowMs: () => number;
}

interface Member {
  readonly name: string;
  readonly hints: HintTable;
  readonly replica: ProviderReplica;
  readonly large: LargeAtoms;
  readonly pageLength: PageLength;
}

/** The delay before hints that another process is delivering are checked again. */
const LEFT_DELAY_MS = 100;
const DEFAULT_INTERVAL_MS = 10_000;
/**
 * The hints of a page: as many as a statement may carry. While saves are in flight, pages are shorter and followed by a
 * pause: with pages of 500 the p99 of saves was 8 ms; with these it is below 3 ms, and catching up takes twice as long.
 */
const PAGE_HINTS = 1_000;
const PAGE_HINTS_WHEN_BUSY = 100;
const PAUSE_WHEN_BUSY_MS = 10;
const BUSY_MS = 100;
/** The time after which the others no longer wait for a target. Merging a page usually takes some ten milliseconds. */
const PATIENCE_MS = 1_500;
const REMEMBERED_SESSIONS = 10_000;

export class Replicator {
  readonly #db: DatabaseManager;
  readonly #settings: ReplicationSettings;
  readonly #nowMs: () => number;
  readonly #statements: ReplicationStatements;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #peers: Peers;
  readonly #heartbeats: Heartbeats;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #schedule = new DrainSchedule((name) => {
    if (this.#isReachable(name)) this.#inBackground(name, this.#drainOnce(name));
  });
  readonly #underWay = new Map<string, Promise<Drained>>();
  readonly #background = new Set<Promise<unknown>>();
  readonly #books: Books;
  /** Recovering providers, which receive what they missed before they take work. */
  readonly #catchingUp = new Set<string>();
  /** Providers that answer again but take no work yet. */
  readonly #returning = new Set<string>();
  #removeGuard: (() => void) | undefined;
  #isOpen = false;
  #wroteAtMs = -Infinity;

  constructor({ db, places, isOneSessionPerStatement, settings, nowMs }: ReplicatorInit) {
    this.#db = db;
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#statements = new ReplicationStatements(places);
    // Facts of another store already have their hints there.
    const statements = new Statements(places);
    const member = (name: string): [string, Member] => {
      const deletions = new KnownDeletions(REMEMBERED_SESSIONS);
      const store = { db, statements, deletions, isOneSessionPerStatement, nowMs, route: { providers: [name] } };
      const replica = new ProviderReplica(name, store, this.#statements);
      const pageLength = new PageLength({
        mostRows: () => (this.#isBusy() ? PAGE_HINTS_WHEN_BUSY : PAGE_HINTS),
        nowMs: () => performance.now(),
      });
      const hints = new HintTable(name, db, this.#statements.hints);
      const large = new LargeAtoms((found, isOver) => bringLargeAtoms(hints, this.#targets(name), found, isOver));
      return [name, { name, replica, hints, large, pageLength }];
    };
    this.#members = new Map(db.providerNames.map(member));
    this.#peers = new Peers(db, this.#statements);
    const isUsable = (name: string): boolean => this.#isReachable(name);
    const peers = this.#peers;
    const heartbeats = new Heartbeats({ peers, names: db.providerNames, isUsable });
    this.#heartbeats = heartbeats;
    this.#books = new Books({
      peers,
      heartbeats,
      settings,
      nowMs,
      targetsOf: (store) => this.#targetsOf(store),
      onRestored: (store) => this.#inBackground(store, this.#repairRestored(store)),
      onDropped: (peer, error) => db.report(peer, error),
    });
  }

  /** Starts replication. Call this when the providers are ready. */
  open(): void {
    if (this.#settings.mode === "off") return;
    this.#isOpen = true;
    this.#removeGuard = this.#db.addReturnGuard({ catchUp: ({ name }) => this.#catchUp(name) });
    this.#db.on("stateChange", this.#onStateChange);
    const stats = this.#db.getProviderStats();
    for (const name of this.#members.keys()) {
      const intervalMs = stats[name]?.drainIntervalMs ?? DEFAULT_INTERVAL_MS;
      if (intervalMs > 0) this.#timers.add(setInterval(() => this.drainSoon(name), intervalMs).unref());
      // A process that died may have left hints.
      this.drainSoon(name);
      if (this.#isReachable(name)) this.#inBackground(name, this.#repairWhereNeeded(name));
    }
  }

  /** Stops, after waiting for the work in flight. */
  async close(): Promise<void> {
    this.#isOpen = false;
    for (const { large } of this.#members.values()) large.stop();
    this.#removeGuard?.();
    this.#db.off("stateChange", this.#onStateChange);
    this.#schedule.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    while (this.#background.size > 0) await Promise.allSettled(this.#background);
  }

  /** Schedules the replication of a write. Call this when a provider has accepted one. */
  wrote(name: string): void {
    this.#wroteAtMs = performance.now();
    this.drainSoon(name);
  }

  /** Whether saves are in flight, which have priority. */
  #isBusy(): boolean {
    return performance.now() - this.#wroteAtMs < BUSY_MS;
  }

  /** Schedules a drain of a provider after a short pause, so that it includes the writes of the pause. */
  drainSoon(name: string, delayMs?: number): void {
    if (this.#isOpen) this.#schedule.soon(name, delayMs);
  }

  /**
   * Delivers to the others all hints that a provider has for them at the time of the call, or waits until they are
   * delivered.
   *
   * @param isWithLarge whether large atoms are waited for, too.
   */
  async #drainNow(name: string, isWithLarge: boolean): Promise<Drained["undelivered"]> {
    for (;;) {
      const { undelivered, isLeft } = await this.#drainOnce(name);
      const large = isWithLarge ? this.#member(name).large.underWay : undefined;
      if (!isLeft && large === undefined) return undelivered;
      const lacking = await large;
      if (lacking !== undefined && lacking.size > 0) return new Map([...undelivered, ...lacking]);
      if (isLeft) await delay(LEFT_DELAY_MS, undefined, { ref: false });
    }
  }

  async #drainOnce(name: string): Promise<Drained> {
    // A running drain may already have passed the position of new hints.
    for (let before = this.#underWay.get(name); before !== undefined; before = this.#underWay.get(name)) {
      await before.catch(() => undefined);
    }
    const draining = this.#drain(this.#member(name)).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, draining);
    return draining;
  }

  /** Starts to deliver large atoms, in parallel with all others. A later drain finds those that this one skips. */
  #bringLarge({ name, large }: Member, hints: readonly LargeHint[]): void {
    const bringing = large.start(hints);
    if (bringing === undefined) return;
    const report = async (): Promise<void> => {
      for (const [target, error] of await bringing) if (error !== undefined) this.#db.report(target, error);
    };
    this.#inBackground(
      name,
      report().finally(() => this.drainSoon(name)),
    );
  }

  /** Sends facts to other providers until the given number has them. @returns the providers that have them. */
  async push(from: string, facts: Facts, count: number): Promise<string[]> {
    const candidates = this.#db.providerNames.filter((name) => name !== from && this.#isReachable(name));
    const accepted: string[] = [];
    while (accepted.length < count && candidates.length > 0) {
      const next = candidates.splice(0, count - accepted.length);
      const pushed = await Promise.allSettled(next.map((name) => this.#member(name).replica.merge(facts)));
      accepted.push(...next.filter((_, index) => pushed[index]?.status === "fulfilled"));
    }
    return accepted;
  }

  /**
   * Delivers to the others everything that a provider has for them.
   *
   * @param isWithLarge whether large atoms are waited for, too. Default: true.
   * @returns the providers that have everything.
   */
  async drainTo(name: string, isWithLarge = true): Promise<string[]> {
    const undelivered = await this.#drainNow(name, isWithLarge);
    return this.reachableBeside(name).filter((other) => !undelivered.has(other));
  }

  /** Returns the providers, other than the given one, that take work now. */
  reachableBeside(name: string): string[] {
    return this.#db.providerNames.filter((other) => other !== name && this.#isReachable(other));
  }

  /** The first provider in the order that takes work, if there is one, as replication sees it. */
  get reachableReplica(): Replica | undefined {
    const name = this.#db.providerNames.find((candidate) => this.#isReachable(candidate));
    return name === undefined ? undefined : this.#member(name).replica;
  }

  /** The providers that take no work now. */
  get unreachable(): string[] {
    return this.#db.providerNames.filter((name) => !this.#isReachable(name));
  }

  /** Providers that may hold data that the others lack. A recovered provider is drained before it takes work. */
  get undrained(): string[] {
    return this.#db.providerNames.filter((name) => this.#returning.has(name) || !this.#isReachable(name));
  }

  async repair(given: RepairOptions = {}): Promise<RepairReport> {
    const { providers, ...options } = readOptions(given, REPAIR_FIELDS, "options");
    if (providers !== undefined) assertProviders(providers, this.#db.providerNames);
    const names = providers ?? this.#db.providerNames;
    const reachable = names.filter((name) => this.#isReachable(name));
    const skipped = names.filter((name) => !reachable.includes(name));
    // Rows that a repair copies leave no hints, and earlier hints may be lost, so a skipped provider needs a repair
    // later.
    await this.#mark(reachable, skipped);
    const replicas = reachable.map((name) => this.#member(name).replica);
    const counts = await repair(replicas, options, async (store, refused) => {
      const [keeper] = reachable.filter((name) => name !== store);
      if (keeper !== undefined) await this.#member(keeper).hints.keepDeadLetters(store, [refused]);
    });
    if (reachable.length > 1) await Promise.all(reachable.map((name) => this.#heartbeats.accept(name, reachable)));
    return { ...counts, providers: reachable, skipped };
  }

  /** Finds the providers that hold atoms of a session. */
  async locate(sessionId: string, ids: readonly string[]): Promise<AtomPlaces> {
    const ask = async (name: string): Promise<readonly [string, ReadonlySet<string> | undefined]> => {
      if (!this.#isReachable(name)) return [name, undefined];
      try {
        return [name, await this.#member(name).replica.held(sessionId, ids)];
      } catch (error) {
        if (!isProvidersFault(error)) throw error;
        return [name, undefined];
      }
    };
    return placesOf(ids, new Map(await Promise.all(this.#db.providerNames.map(ask))));
  }

  async status(): Promise<ReplicationStatus> {
    const { mode, acknowledge } = this.#settings;
    const context = { db: this.#db, statements: this.#statements, peers: this.#peers, nowMs: this.#nowMs() };
    const names = [...this.#members.keys()];
    const reachable = names.filter((name) => this.#isReachable(name));
    const reports = await Promise.all(reachable.map((name) => reportOf(name, this.#targetsOf(name), context)));
    return {
      mode,
      acknowledge,
      pairs: reports.flatMap(({ pairs }) => pairs),
      unreachable: names.filter((name) => !reachable.includes(name)),
      deadLetters: newestLetters(reports.flatMap(({ letters }) => letters)),
    };
  }

  async #drain(member: Member): Promise<Drained> {
    const { name, hints, large, pageLength } = member;
    if (this.#settings.mode === "off") return { undelivered: new Map(), isLeft: false, large: [] };
    const targets = this.#targets(name);
    const drained = await drain(hints, targets, {
      pageLength,
      pause: () => (this.#isBusy() ? delay(PAUSE_WHEN_BUSY_MS, undefined, { ref: false }) : nextTurn()),
      patience: (target) => this.#patience(target),
    });
    const { undelivered, isLeft } = drained;
    this.#bringLarge(member, drained.large);
    // While its large atoms are on their way, it stays the one that brings a store's hints: it has to look for others.
    if (isLeft || large.underWay !== undefined) this.drainSoon(name, LEFT_DELAY_MS);
    for (const [target, error] of undelivered) if (error !== undefined) this.#db.report(target, error);
    const hasStumbled = [...undelivered.keys()].some((target) => this.#isReachable(target));
    if (this.#isOpen) this.#schedule.drained(name, hasStumbled);
    const brought = isLeft ? [] : targets.map((target) => target.name);
    const delivered = brought.filter((target) => !undelivered.has(target));
    await this.#books.keep(name, delivered, [...undelivered.keys()]);
    return drained;
  }

  /** Waits as long as a page may take: longer while much is on its way to a target. */
  async #patience({ name }: DrainTarget): Promise<void> {
    await delay(PATIENCE_MS, undefined, { ref: false });
    await delay(this.#db.transferAllowanceMs(name), undefined, { ref: false });
  }

  /** Delivers to a recovered provider everything that it must have before it takes work. */
  async #catchUp(name: string): Promise<void> {
    this.#catchingUp.add(name);
    try {
      if (await this.#heartbeats.isRestored(name)) await this.#repairRestored(name);
      // Its own writes from before the outage are waited for, too.
      for (const source of [...this.reachableBeside(name), name]) {
        const undelivered = await this.#drainNow(source, true);
        if (source !== name && undelivered.has(name))
          throw undelivered.get(name) ?? new Error(`${source} could not deliver what this provider missed`);
      }
      await this.#repairWhereNeeded(name);
    } finally {
      this.#catchingUp.delete(name);
    }
  }

  async #repairRestored(name: string): Promise<void> {
    this.#db.report(
      name,
      new Error("the provider's heartbeat went backwards, so it was restored from a backup; a repair has started"),
    );
    await this.repair();
  }

  /** Records at stores that others need a repair. */
  async #mark(stores: readonly string[], lacking: readonly string[]): Promise<void> {
    const pairs = stores.flatMap((store) => lacking.map((name) => [store, name] as const));
    await Promise.all(pairs.map(([store, name]) => this.#peers.note(store, name, { needsRepair: true })));
  }

  /**
   * Repairs a provider if it or another dropped hints between them, or if it was restored while no process was
   * watching.
   */
  async #repairWhereNeeded(name: string): Promise<void> {
    if (await this.#heartbeats.isRestored(name)) return this.#repairRestored(name);
    const others = this.reachableBeside(name);
    const known = await Promise.all(others.map((other) => this.#peers.of(other)));
    const isLacking = known.flat().some((peer) => peer.name === name && peer.needsRepair);
    const isLacked = (await this.#peers.of(name)).some((peer) => others.includes(peer.name) && peer.needsRepair);
    if (isLacking || isLacked) await this.repair();
  }

  /** Returns the providers that must receive what a provider accepted. */
  #targetsOf(name: string): string[] {
    const { mode } = this.#settings;
    const { preferred, providerNames } = this.#db;
    const order = [preferred, ...providerNames.filter((other) => other !== preferred)];
    if (mode === "off") return [];
    return mode === "all" ? order.filter((other) => other !== name) : order.slice(0, order.indexOf(name));
  }

  #targets(name: string): DrainTarget[] {
    return this.#targetsOf(name).map((target) => this.#targetOf(target));
  }

  #targetOf(name: string): DrainTarget {
    const { replica } = this.#member(name);
    return {
      name,
      isUsable: () => this.#isReachable(name),
      merge: (facts) => replica.merge(facts),
      take: (packed) => replica.take(packed),
      holds: async ({ sessionId, id }) => (await replica.held(sessionId, [id])).has(id),
    };
  }

  #isReachable(name: string): boolean {
    return this.#catchingUp.has(name) || this.#db.isUsable({ providers: [name] });
  }

  readonly #onStateChange = ({ provider, to }: { readonly provider: string; readonly to: string }): void => {
    if (to === "probing" || to === "catching-up") this.#returning.add(provider);
    else this.#returning.delete(provider);
    if (to === "up") this.drainSoon(provider);
  };

  #inBackground(name: string, work: Promise<unknown>): void {
    const watched: Promise<unknown> = work
      .catch((error: unknown) => this.#db.report(name, error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new TypeError(`there is no provider ${name}`);
    return member;
  }
}
