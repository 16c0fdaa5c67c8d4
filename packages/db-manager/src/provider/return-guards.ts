import type { ProviderHandle } from "../manager/queryable.ts";

/**
 * Steps that must succeed before a recovered provider takes work again. Code that keeps data in several providers adds
 * them. A thrown error is reported as the reason, and the next probe retries the step.
 */
export interface ReturnGuard {
  /**
   * Verifies that the provider is the right database, for example that its tables have the right version. While this
   * throws, the provider is `ineligible`; it is `down` if the error or one of its causes is a retryable error of a
   * statement.
   */
  readonly admit?: (provider: ProviderHandle) => Promise<void>;
  /** Sends the provider the data that it missed. The provider stays `catching-up` while this throws. */
  readonly catchUp?: (provider: ProviderHandle) => Promise<void>;
}

export class ReturnGuards {
  readonly #guards = new Set<ReturnGuard>();

  get count(): number {
    return this.#guards.size;
  }

  /** @returns a function that removes the guard. */
  add(guard: ReturnGuard): () => void {
    this.#guards.add(guard);
    return () => void this.#guards.delete(guard);
  }

  /** @throws the error of the first guard that fails. */
  async pass(step: keyof ReturnGuard, provider: ProviderHandle): Promise<void> {
    for (const guard of this.#guards) await guard[step]?.(provider);
  }
}
