/**
 * How many deletions sessions have seen, as far as this storage knows: a save of a session that it knows nothing of counts
 * on none, and is refused if that is wrong. It forgets the oldest when it is full.
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

  /** @param count what the head of the session said, under its lock. */
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
