/**
 * Sends work to a provider, retries it, and fails over to the next provider. This is the only place that retries
 * anything; a provider makes single attempts.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Deadline } from "../connection/deadline.ts";
import { DatabaseError, type DatabaseErrorCode } from "../errors/errors.ts";
import { failureOf, withUnknownOutcome, type Failure } from "../errors/failure.ts";
import { hedgeDelayMs, type HedgeBudget } from "./hedge.ts";
import type { AttemptContext, Provider } from "../provider/provider.ts";
import { mayMoveOn, repeatDelayMs, type WorkKind } from "./repetition.ts";
import type { Roster } from "./roster.ts";
import { isTakingWork, type Route } from "./routing.ts";
import { hedgePauseMs } from "../connection/transfer.ts";

export interface Operation<Result> {
  readonly kind: WorkKind;
  readonly isIdempotent: boolean;
  readonly isHedged: boolean;
  /** Estimates the bytes that an attempt sends. It is called only while a provider is silent. */
  readonly bytes: () => number;
  readonly deadline: Deadline;
  readonly route: Route;
  readonly attempt: (provider: Provider, context: AttemptContext) => Promise<Result>;
}

export interface DispatchContext {
  readonly roster: Roster;
  readonly budget: HedgeBudget;
  readonly hedgeAfterMs: number;
  readonly random: () => number;
}

/** An attempt that failed with a `DatabaseError`. */
interface Failed {
  readonly provider: Provider;
  readonly error: DatabaseError;
  readonly failure: Failure;
}

/**
 * @throws the error of the caller's work; otherwise the error of the last attempt, or one that names every provider
 * tried.
 */
export async function dispatch<Result>(operation: Operation<Result>, context: DispatchContext): Promise<Result> {
  const { roster, budget } = context;
  budget.earn();
  const tried = new Set<string>();
  const failed: Failed[] = [];
  for (;;) {
    const provider = roster.next(operation.route, tried);
    if (provider === undefined) throw exhausted(operation, failed, roster);
    tried.add(provider.name);
    try {
      return operation.isHedged
        ? await attemptHedged(operation, provider, tried, context)
        : await attemptRepeatedly(operation, provider, context, tried);
    } catch (thrown) {
      const errors = thrown instanceof BothFailed ? thrown.errors : [{ provider, error: thrown }];
      for (const { provider: at, error } of errors) failed.push(toFailed(operation, at, error, failed));
    }
  }
}

/** @throws the error if another provider could not do better. */
function toFailed<Result>(
  { kind, isIdempotent, deadline, route: { among } }: Operation<Result>,
  provider: Provider,
  error: unknown,
  earlier: readonly Failed[],
): Failed {
  const failure = failureOf(error);
  if (failure === undefined || !DatabaseError.isInstance(error)) throw error;
  const isOutcomeUnknown = earlier.some((other) => other.error.outcome === "unknown");
  const isOver = deadline.remainingMs() === 0 || deadline.signal?.aborted === true || among?.length === 1;
  const same = earlier.find((other) => isSameAnswer(other, { provider, error, failure }));
  if (same !== undefined) for (const each of [same, { provider, error }]) each.provider.acquit(each.error);
  if (same !== undefined || isOver || !mayMoveOn(failure, { kind, isIdempotent, outcome: error.outcome })) {
    throw isOutcomeUnknown ? withUnknownOutcome(error) : error;
  }
  provider.countFailover();
  return { provider, error, failure };
}

/**
 * Whether two servers rejected the statement with the same error; if so, the statement is at fault, not the servers.
 */
function isSameAnswer(one: Failed, other: Failed): boolean {
  const { sqlState } = one.error;
  if (sqlState === undefined || sqlState !== other.error.sqlState || one.provider === other.provider) return false;
  const { isConnectionLost, state } = one.failure.meaning;
  // If both servers are standbys, or both are stopping, the statement is not at fault.
  if (isConnectionLost || state === "read-only") return false;
  return !one.failure.isUntouched && !other.failure.isUntouched;
}

/**
 * Retries the operation on one provider as often as its errors allow; gives up early when a healthier provider can take
 * over.
 */
async function attemptRepeatedly<Result>(
  operation: Operation<Result>,
  provider: Provider,
  context: DispatchContext,
  tried: ReadonlySet<string>,
  isSettled: () => boolean = () => false,
): Promise<Result> {
  const { kind, isIdempotent, deadline, attempt } = operation;
  let isUnnamed = false;
  let isOutcomeUnknown = false;
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await attempt(provider, { deadline, isUnnamed });
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      const outcome = DatabaseError.isInstance(error) ? error.outcome : failure.meaning.outcome;
      isOutcomeUnknown ||= outcome === "unknown";
      const delayMs = repeatDelayMs(failure, { kind, isIdempotent, outcome, repeats }, context.random);
      const isOver = delayMs === undefined || delayMs >= deadline.remainingMs() || deadline.signal?.aborted === true;
      const isMovedOn = !isTakingWork(provider.state) && mayMoveOn(failure, { kind, isIdempotent, outcome });
      if (isOver || isSettled() || (isMovedOn && nextUsable(operation, context, tried) !== undefined)) {
        throw isOutcomeUnknown && DatabaseError.isInstance(error) ? withUnknownOutcome(error) : error;
      }
      isUnnamed ||= failure.meaning.repeat === "unnamed";
      // The next attempt detects an abort during the pause.
      if (delayMs > 0) await delay(delayMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    }
  }
}

/** Returns the provider that would take over, or undefined if there is none that would be better. */
function nextUsable<Result>(
  { route: to }: Operation<Result>,
  { roster }: DispatchContext,
  tried: ReadonlySet<string>,
): Provider | undefined {
  return roster.next({ ...to, isLastResortAllowed: false }, tried);
}

class BothFailed extends Error {
  readonly errors: readonly { readonly provider: Provider; readonly error: unknown }[];

  constructor(errors: readonly { readonly provider: Provider; readonly error: unknown }[]) {
    super("both providers failed");
    this.errors = errors;
  }
}

/** Hedges: sends the work of a silent provider to the next one too. The first answer counts; the other is ignored. */
async function attemptHedged<Result>(
  operation: Operation<Result>,
  first: Provider,
  tried: Set<string>,
  context: DispatchContext,
): Promise<Result> {
  const { budget, hedgeAfterMs } = context;
  let isSettled = false;
  const attemptAt = (provider: Provider): Promise<Result> =>
    attemptRepeatedly(operation, provider, context, tried, () => isSettled);
  const mainAttempt = attemptAt(first);
  try {
    if (!(await isSilent(mainAttempt, hedgeDelayMs(hedgeAfterMs, first.p99Ms)))) return await mainAttempt;
    // A large statement that is still in transit is not sent twice.
    const pauseMs = hedgePauseMs(operation.bytes(), first.slowestBytesPerSecond);
    if (pauseMs === undefined || (pauseMs > 0 && !(await isSilent(mainAttempt, pauseMs)))) return await mainAttempt;
    const second = nextUsable(operation, context, tried);
    if (second === undefined || !budget.spend()) return await mainAttempt;
    tried.add(second.name);
    first.countHedge();
    const hedge = attemptAt(second);
    let isFirstOver = false;
    const watched = mainAttempt.finally(() => (isFirstOver = true));
    const result = await Promise.any([watched, hedge]).catch((failures: AggregateError) => {
      const [mainError, hedgeError]: unknown[] = failures.errors;
      throw new BothFailed([
        { provider: first, error: mainError },
        { provider: second, error: hedgeError },
      ]);
    });
    if (!isFirstOver) first.overtaken();
    return result;
  } finally {
    isSettled = true;
  }
}

/**
 * Whether the attempt is still unsettled after so many ms. Every save uses it, so it costs one promise and one timer.
 */
function isSilent(attempt: Promise<unknown>, afterMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, afterMs, true);
    const onEnd = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    attempt.then(onEnd, onEnd);
  });
}

/** Makes one error for attempts that all failed. */
function exhausted<Result>(
  { route: { among, isReadOnly } }: Operation<Result>,
  failed: readonly Failed[],
  roster: Roster,
): DatabaseError {
  const [only, ...others] = failed;
  if (only !== undefined && others.length === 0 && roster.names.length === 1) return only.error;
  const errors = failed.map(({ error }) => error);
  const untried = [...roster.all].filter(
    (provider) => among?.includes(provider.name) !== false && !failed.some((attempt) => attempt.provider === provider),
  );
  const states = untried.map(({ name, state }) => `${name} is ${state}`);
  const codes = new Set<DatabaseErrorCode>(errors.map(({ code }) => code));
  const [code = "unavailable"] = codes.size === 1 ? codes : [];
  return new DatabaseError({
    code,
    message: `no provider ${isReadOnly ? "answers" : "takes work"}: ${[...errors.map(({ message }) => message), ...states].join("; ")}`,
    retryable: errors.every(({ retryable }) => retryable),
    outcome: errors.some(({ outcome }) => outcome === "unknown") ? "unknown" : "not_applied",
    provider: only?.error.provider,
    host: only?.error.host,
    cause: errors.length > 1 ? new AggregateError(errors, "the error of each provider that was tried") : errors[0],
  });
}
