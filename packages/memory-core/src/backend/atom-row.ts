/** An atom as a store holds it: names and JSON are text in the form of `serialization.ts`. */
export interface AtomRow {
  readonly sessionId: string;
  readonly id: string;
  readonly userId: string;
  readonly memoryType: string;
  /** JSON text. */
  readonly content: string;
  /** JSON text of an object. */
  readonly metadata: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970; null when it never expires, as messages and session metadata. */
  readonly expiresAtMs: number | null;
}
