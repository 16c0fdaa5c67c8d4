import type { DatabaseEvents } from "../telemetry/events.ts";
import type { Settings } from "../configuration/options.ts";
import type { StateChange } from "../provider/health.ts";
import { Provider } from "../provider/provider.ts";
import { ReturnGuards, type ReturnGuard } from "../provider/return-guards.ts";
import { isTakingWork, isUsable, route, type Route } from "./routing.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

type Emit = <Name extends keyof DatabaseEvents>(name: Name, ...event: DatabaseEvents[Name]) => void;

const ANY_WRITE: Route = { isReadOnly: false, among: undefined, isLastResortAllowed: false };

/** The providers in their order of preference, and which of them takes the work now. */
export class Roster {
  /** The names in their order of preference, as given. */
  readonly names: readonly string[];
  readonly #emit: Emit;
  readonly #isFailoverOn: boolean;
  readonly #byName: ReadonlyMap<string, Provider>;
  readonly #guards = new ReturnGuards();
  #ranking: readonly Provider[];
  #active: Provider;

  constructor(settings: Settings, emit: Emit, telemetry: Telemetry | undefined) {
    const { providers, isFailoverOn, nowMs, random, dwellMs, longestProbeDelayMs, primary } = settings;
    this.#emit = emit;
    this.#isFailoverOn = isFailoverOn;
    const context = {
      nowMs,
      random,
      dwellMs,
      longestProbeDelayMs,
      // A single provider without return guards receives the work in any state, so that the work itself is the probe.
      isProbing: () => isFailoverOn && (providers.length > 1 || this.#guards.count > 0),
      isAlone: (name: string) => !this.#ranking.some((other) => other.name !== name && isTakingWork(other.state)),
      guards: this.#guards,
      onStateChange: (change: StateChange) => this.#onStateChange(change),
      onError: (error: DatabaseEvents["error"][0]) => emit("error", error),
      telemetry,
    };
    const all = providers.map((provider) => new Provider(provider, context));
    this.#byName = new Map(all.map((provider) => [provider.name, provider]));
    this.#ranking = all;
    this.names = [...this.#byName.keys()];
    const first = this.#byName.get(primary);
    if (first === undefined) throw new TypeError("the primary is not one of the providers");
    this.#active = first;
    this.prefer(first);
  }

  get all(): Iterable<Provider> {
    return this.#byName.values();
  }

  /** The provider that takes the work now, or last took it. */
  get active(): Provider {
    return this.#active;
  }

  get preferred(): Provider {
    return this.#ranking[0] ?? this.#active;
  }

  named(name: string): Provider | undefined {
    return this.#byName.get(name);
  }

  next(to: Route, tried: ReadonlySet<string>): Provider | undefined {
    return route(this.#ranking, to, tried);
  }

  /** Whether any provider can take work of this kind now. */
  isUsable(isReadOnly: boolean, among: readonly string[] | undefined): boolean {
    return this.#ranking.some(
      ({ name, state }) => isUsable(state, isReadOnly) && (among === undefined || among.includes(name)),
    );
  }

  prefer(provider: Provider): void {
    this.#ranking = [provider, ...[...this.#byName.values()].filter((other) => other !== provider)];
    this.#active = route(this.#ranking, ANY_WRITE) ?? provider;
  }

  addGuard(guard: ReturnGuard): () => void {
    const remove = this.#guards.add(guard);
    for (const provider of this.all) provider.scheduleProbe();
    return remove;
  }

  #onStateChange(change: StateChange): void {
    this.#emit("stateChange", change);
    if (!this.#isFailoverOn) return;
    const from = this.#active;
    const to = route(this.#ranking, ANY_WRITE);
    // While no provider takes work, each one is probed more often.
    if (to === undefined) for (const provider of this.all) provider.scheduleProbe();
    if (to === undefined || to === from) return;
    this.#active = to;
    const isBack = this.#ranking.indexOf(to) < this.#ranking.indexOf(from);
    this.#emit(isBack ? "failback" : "failover", { from: from.name, to: to.name, error: change.error });
  }
}
