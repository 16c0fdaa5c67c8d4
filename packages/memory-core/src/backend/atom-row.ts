/** An atom in the form that stores hold: names and JSON are text, as `serialization.ts` encodes them. */
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
  /** Milliseconds since 1970; null when it never expires, like messages and session metadata. */
  readonly expiresAtMs: number | null;
}
