import { WriteQueue } from "@rivet/memory-core";
import type { Written } from "./append-to-sessions.ts";
import { append, appendTogether, isShareable } from "./append.ts";
import { isCausedByStatement } from "../errors.ts";
import { STATEMENT_LIMITS } from "./limits.ts";
import type { Store } from "../providers/store.ts";

/**
 * The maximum number of statements in flight: the server runs one while this process builds the next, and a statement
 * that waits in the server does not block all others. More did not increase the turns per second.
 */
const MAX_IN_FLIGHT = 2;
const SMALLEST_SHARE = 8;

/** Makes a queue that appends writes and combines those that may share a statement. */
export function appendQueue(store: Store): WriteQueue<Written> {
  return new WriteQueue({
    maxInFlight: MAX_IN_FLIGHT,
    smallestShare: SMALLEST_SHARE,
    limits: STATEMENT_LIMITS,
    isShareable: (write) => isShareable(store, write),
    writeAlone: (write) => append(store, write),
    writeTogether: (writes) => appendTogether(store, writes, store.nowMs()),
    isCausedByWrite: isCausedByStatement,
  });
}
