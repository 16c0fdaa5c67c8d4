/** Keeps the books of a store that is written to, once in a while: heartbeats, peers, and the number of hints. */
import { ALL_STORES } from "../statements/scope.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationSettings } from "./settings.ts";

/** A provider that is written to has its heartbeat moved on this often; an idle one is not kept awake. */
const INTERVAL_MS = 60_000;

interface BooksInit {
  readonly peers: Peers;
  readonly heartbeats: Heartbeats;
  readonly settings: Pick<ReplicationSettings, "maxHints" | "maxHintAgeMs">;
  readonly nowMs: () => number;
  /** The stores that must receive the atoms that a store accepted. */
  readonly targetsOf: (store: string) => readonly string[];
  /** Told of a store whose heartbeat went backwards. */
  readonly onRestored: (store: string) => void;
  readonly onDropped: (peer: string, error: Error) => void;
}

export class Books {
  readonly #init: BooksInit;
  readonly #keptAtMs = new Map<string, number>();

  constructor(init: BooksInit) {
    this.#init = init;
  }

  /** Keeps them up, unless that was done a while ago. To be called when a store was drained. */
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

  /** Drops no more than is too old, or too much. */
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
        onDropped(peer, new Error(`${dropped} hints that ${name} kept for it were dropped; it needs a repair`));
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
