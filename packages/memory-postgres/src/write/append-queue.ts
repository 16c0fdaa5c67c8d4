import { WriteQueue } from "@rivet/memory-core";
import type { Written } from "./append-to-sessions.ts";
import { append, appendTogether, isShareable } from "./append.ts";
import { isCausedByStatement } from "../errors.ts";
import { STATEMENT_LIMITS } from "./limits.ts";
import type { Store } from "../providers/store.ts";

/**
 * Statements that may be under way at once: the server works on one while this process builds the other, and one that has
 * to wait in the server does not hold up all. More gave no more turns per second.
 */
const MAX_IN_FLIGHT = 2;
const SMALLEST_SHARE = 8;

/** Appends writes, those that may share a statement together. */
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
