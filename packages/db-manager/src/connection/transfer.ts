/** Pure functions for the time that deadlines allow for bytes in transit. */

/** Bytes that extend no deadline, so that a stuck small statement is detected without any delay. */
const FREE_BYTES = 64 * 1024;
/** The size above which a statement is never hedged. */
const MOST_HEDGED_BYTES = 1024 * 1024;

/**
 * Returns the extra time in ms that the bytes may need in transit, compared with a statement without any.
 *
 * @param slowestBytesPerSecond the minimum speed of the link.
 */
export function transferMs(bytes: number, slowestBytesPerSecond: number): number {
  return (Math.max(0, bytes - FREE_BYTES) / slowestBytesPerSecond) * 1_000;
}

/** Returns the extra silence in ms before work with so many bytes is hedged, or undefined if it must not be hedged. */
export function hedgePauseMs(bytes: number, slowestBytesPerSecond: number): number | undefined {
  return bytes > MOST_HEDGED_BYTES ? undefined : transferMs(bytes, slowestBytesPerSecond);
}

/** Whether the statement is so short that its latency depends on the server rather than on the link. */
export function isShort(bytes: number): boolean {
  return bytes <= FREE_BYTES;
}

/**
 * Estimates the bytes that the values of a statement take in transit. Numbers and dates take only a few and are
 * ignored.
 */
export function bytesOf(values: readonly unknown[] | undefined): number {
  let bytes = 0;
  // Nested lists are array parameters. A stack replaces recursion, because their depth has no bound.
  const left: unknown[] = [values];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") bytes += Buffer.byteLength(value);
    else if (value instanceof Uint8Array) bytes += value.byteLength;
    else if (Array.isArray(value)) for (const part of value) left.push(part);
  }
  return bytes;
}
