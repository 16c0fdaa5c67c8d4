/**
 * The deletion counts of sessions that this storage has seen. A save of an unknown session assumes a count of 0, and
 * its statement is refused if that is wrong. When full, the oldest entry is dropped.
 */
export class KnownDeletions {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  countOf(sessionId: string): number {
    return this.#counts.get(sessionId) ?? 0;
  }

  /** @param count the count in the head of the session, read under its lock. */
  learn(sessionId: string, count: number): void {
    this.#counts.delete(sessionId);
    if (count === 0) return;
    this.#counts.set(sessionId, count);
    if (this.#counts.size <= this.#limit) return;
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest);
      return;
    }
  }
}
