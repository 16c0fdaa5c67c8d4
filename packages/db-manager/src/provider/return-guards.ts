import type { ProviderHandle } from "../manager/queryable.ts";

/**
 * What has to succeed before a provider that was away takes work again; whoever keeps data in several providers says it.
 * What it throws is shown as the reason, and it is asked again with the next probe.
 */
export interface ReturnGuard {
  /**
   * Whether it is the database that it should be, for example of the right version. It is `ineligible` while this throws, or
   * `down` while what is thrown, or a cause of it, is an error of a statement that may succeed a moment later.
   */
  readonly admit?: (provider: ProviderHandle) => Promise<void>;
  /** Brings it what it missed. It stays `catching-up` while this throws. */
  readonly catchUp?: (provider: ProviderHandle) => Promise<void>;
}

export class ReturnGuards {
  readonly #guards = new Set<ReturnGuard>();

  get count(): number {
    return this.#guards.size;
  }

  /** @returns removes it. */
  add(guard: ReturnGuard): () => void {
    this.#guards.add(guard);
    return () => void this.#guards.delete(guard);
  }

  /** @throws what the first of them throws that fails. */
  async pass(step: keyof ReturnGuard, provider: ProviderHandle): Promise<void> {
    for (const guard of this.#guards) await guard[step]?.(provider);
  }
}
