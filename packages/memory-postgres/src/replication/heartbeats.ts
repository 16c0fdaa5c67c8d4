/**
 * Detects that a store was restored from a backup: its heartbeat, which only grows, is earlier than one seen before.
 */
import type { PeerNote, Peers } from "./peers.ts";

export class Heartbeats {
  readonly #peers: Peers;
  readonly #names: readonly string[];
  readonly #isUsable: (name: string) => boolean;
  readonly #seenMs = new Map<string, number>();

  constructor(init: {
    readonly peers: Peers;
    readonly names: readonly string[];
    readonly isUsable: (name: string) => boolean;
  }) {
    this.#peers = init.peers;
    this.#names = init.names;
    this.#isUsable = init.isUsable;
  }

  /** Whether a store's heartbeat is earlier than the one that this process or another store remembers. */
  async isRestored(name: string): Promise<boolean> {
    // The remembered heartbeats are read first. The heartbeat itself only grows, so a later read is never the earlier
    // value.
    const seen = await Promise.all(this.#others(name).map((other) => this.#peers.of(other)));
    const known = seen.flat().filter((peer) => peer.name === name);
    const rememberedMs = Math.max(...known.map((peer) => peer.heartbeatMs ?? 0), this.#seenMs.get(name) ?? 0);
    const heartbeatMs = await this.#peers.heartbeatMs(name);
    // The store keeps microseconds, and remembered values are rounded.
    return heartbeatMs !== undefined && heartbeatMs < rememberedMs - 1;
  }

  /**
   * Advances a store's heartbeat, and records it at the others. Call this at intervals while the store is written to.
   */
  async beat(name: string): Promise<void> {
    const heartbeatMs = await this.#peers.beat(name);
    if (heartbeatMs !== undefined) await this.#remember(name, { heartbeatMs });
  }

  /**
   * Accepts a store's present heartbeat after a repair.
   *
   * @param repaired the stores that are equal now. Others may still have data for the store, and keep their remembered
   *   value.
   */
  async accept(name: string, repaired: readonly string[]): Promise<void> {
    this.#seenMs.delete(name);
    const heartbeatMs = await this.#peers.heartbeatMs(name);
    const others = repaired.filter((other) => other !== name);
    await this.#remember(name, { heartbeatMs, needsRepair: false, isRepaired: true }, others);
  }

  async #remember(name: string, note: PeerNote, others = this.#others(name)): Promise<void> {
    if (note.heartbeatMs !== undefined) this.#seenMs.set(name, note.heartbeatMs);
    await Promise.all(others.map((other) => this.#peers.note(other, name, note)));
  }

  #others(name: string): string[] {
    return this.#names.filter((other) => other !== name && this.#isUsable(other));
  }
}
