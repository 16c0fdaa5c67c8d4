/** Maintains the records of an active store at intervals: its heartbeat, its peers, and the number of its hints. */
import { ALL_STORES } from "../statements/scope.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationSettings } from "./settings.ts";

/** The interval of an active provider's heartbeat. An idle provider has none, so that it can sleep. */
const INTERVAL_MS = 60_000;

interface BooksInit {
  readonly peers: Peers;
  readonly heartbeats: Heartbeats;
  readonly settings: Pick<ReplicationSettings, "maxHints" | "maxHintAgeMs">;
  readonly nowMs: () => number;
  /** Returns the providers that must receive what a store accepted. */
  readonly targetsOf: (store: string) => readonly string[];
  /** Called with a store whose heartbeat went backwards. */
  readonly onRestored: (store: string) => void;
  readonly onDropped: (peer: string, error: Error) => void;
}

export class Books {
  readonly #init: BooksInit;
  readonly #keptAtMs = new Map<string, number>();

  constructor(init: BooksInit) {
    this.#init = init;
  }

  /** Updates the records, unless that was done less than an interval ago. Call this after each drain of a store. */
  async keep(name: string, delivered: readonly string[], undelivered: readonly string[]): Promise<void> {
    // Not the clock of atoms, which may be set back.
    if (performance.now() - (this.#keptAtMs.get(name) ?? -Infinity) < INTERVAL_MS) return;
    this.#keptAtMs.set(name, performance.now());
    const { heartbeats, peers, onRestored } = this.#init;
    for (const store of [name, ...delivered]) {
      if (await heartbeats.isRestored(store)) onRestored(store);
      else await heartbeats.beat(store);
    }
    for (const target of delivered) await peers.note(name, target, { isDrained: true });
    if (undelivered.length > 0) await this.#dropHints(name, undelivered);
  }

  /** Drops hints that are too old or too many. */
  async #dropHints(name: string, targets: readonly string[]): Promise<void> {
    const { peers, nowMs, targetsOf, onDropped } = this.#init;
    const { maxHints, maxHintAgeMs } = this.#init.settings;
    const oldestId = idAt(nowMs() - maxHintAgeMs);
    const isNobodyThere = targets.length === targetsOf(name).length;
    for (const target of isNobodyThere ? [ALL_STORES, ...targets] : targets) {
      const lacking = target === ALL_STORES ? targets : [target];
      const dropped = await peers.dropHints(name, { target, oldestId, maxHints, lacking });
      if (dropped === 0) continue;
      for (const peer of lacking) {
        onDropped(
          peer,
          new Error(
            `${name} dropped ${dropped} hints for this provider, because they were too old or too many; run a repair`,
          ),
        );
      }
    }
  }
}

/**
 * The least id of a millisecond: a UUIDv7 begins with its time.
 * https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
function idAt(timeMs: number): string {
  const hex = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
