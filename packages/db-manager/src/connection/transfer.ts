/** The time that a deadline allows for bytes that are on their way: pure functions. */

/** Bytes that every deadline has room for, so that small statements are noticed to be stuck as soon as ever. */
const FREE_BYTES = 64 * 1024;
/** A statement that carries more is never sent to a second provider while the first is silent. */
const MOST_HEDGED_BYTES = 1024 * 1024;

/**
 * How long the bytes may be on their way, beyond what a statement without any may take, in milliseconds.
 *
 * @param slowestBytesPerSecond the speed of the link, at the least.
 */
export function transferMs(bytes: number, slowestBytesPerSecond: number): number {
  return (Math.max(0, bytes - FREE_BYTES) / slowestBytesPerSecond) * 1_000;
}

/** After how many more ms of silence work that carries so many bytes goes to another provider too; undefined for never. */
export function hedgePauseMs(bytes: number, slowestBytesPerSecond: number): number | undefined {
  return bytes > MOST_HEDGED_BYTES ? undefined : transferMs(bytes, slowestBytesPerSecond);
}

/** Whether the time that a statement took says something about its server, and not about the link. */
export function isShort(bytes: number): boolean {
  return bytes <= FREE_BYTES;
}

/** How many bytes the values of a statement take on the way, nearly: numbers and dates have no more than a few. */
export function bytesOf(values: readonly unknown[] | undefined): number {
  let bytes = 0;
  // Lists within lists are parameters of arrays; a stack, as there is no bound to their depth.
  const left: unknown[] = [values];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") bytes += Buffer.byteLength(value);
    else if (value instanceof Uint8Array) bytes += value.byteLength;
    else if (Array.isArray(value)) for (const part of value) left.push(part);
  }
  return bytes;
}
