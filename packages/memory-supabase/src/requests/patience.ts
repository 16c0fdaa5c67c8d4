/** The time that a request may take. */

/** The bytes that a request has on the way. They are counted only while its answer is late. */
export interface Traffic {
  readonly sentBytes: () => number;
  readonly receivedBytes: () => number;
}

/** The bytes that every time-out has room for. */
const FREE_BYTES = 64 * 1024;

/** The time that the bytes may need in addition to that of a request without any, in milliseconds. */
export function transferMs(bytes: number, slowestBytesPerSecond: number): number {
  return (Math.max(0, bytes - FREE_BYTES) / slowestBytesPerSecond) * 1_000;
}

interface PatienceInit {
  /** The time without any progress, in milliseconds. */
  readonly timeoutMs: number;
  /** The additional time for the bytes in transit, in milliseconds. Read again after each wait. */
  readonly allowanceMs: () => number;
  readonly receivedBytes: () => number;
  readonly onOver: () => void;
}

/**
 * A timer that begins anew whenever bytes of the answer have come.
 *
 * @returns ends it, and gives by how many milliseconds it went beyond its time.
 */
export function bePatient({ timeoutMs, allowanceMs, receivedBytes, onOver }: PatienceInit): () => number {
  let [receivedBefore, silentMs, prolongedMs] = [0, 0, 0];
  let timer: ReturnType<typeof setTimeout>;
  const wait = (ms: number): void => {
    timer = setTimeout(() => look(ms), ms);
  };
  const look = (waitedMs: number): void => {
    silentMs = receivedBytes() > receivedBefore ? 0 : silentMs + waitedMs;
    receivedBefore = receivedBytes();
    const leftMs = timeoutMs + allowanceMs() - silentMs;
    if (leftMs <= 0) return onOver();
    const nextMs = Math.ceil(Math.min(leftMs, timeoutMs));
    prolongedMs += nextMs;
    wait(nextMs);
  };
  wait(Math.ceil(timeoutMs));
  return () => {
    clearTimeout(timer);
    return prolongedMs;
  };
}
