import { invalidInput } from "../errors/errors.ts";
import type { Message } from "./message.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { estimateTokens } from "./token-estimate.ts";
import { isLeftOut, linkCalls, NO_ANSWER, withoutCalls } from "./answered-calls.ts";
import { assertAmount, assertBoolean, assertFunction } from "../atom/validation.ts";

export interface ContextOptions {
  /** The model's window, in tokens. Default: no bound. */
  maxTokens?: number;
  /** How many of them to keep free, for the answer and the tools. Default: 0. */
  reserveTokens?: number;
  /** Counts the tokens of one message. Default: {@link estimateTokens}, whose error is stated there. */
  countTokens?: (message: Message) => number;
  /** Keep every system message, whatever its age. Default: true. */
  preserveSystem?: boolean;
  /**
   * Keep tool calls that have no result: for code that runs the calls of the newest message itself. Providers refuse
   * them otherwise. Default: false.
   */
  keepUnansweredCalls?: boolean;
}

const CONTEXT_FIELDS: OptionFields<ContextOptions> = {
  maxTokens: "setting",
  reserveTokens: "setting",
  countTokens: "setting",
  preserveSystem: "setting",
  keepUnansweredCalls: "setting",
};

/**
 * The latest messages that fit a token budget, oldest first. Pure, and in time that is linear in the number of messages.
 *
 * Guarantees: a tool call and its results are both in or both out; a tool result whose call is not in `messages` is left
 * out, and so is a tool call that has no result, wherever it stands: a copy of its message without the call takes the place
 * of the message, or nothing does when the call was all that the model said. System messages stay, unless `preserveSystem`
 * is false, and are counted first; the rest is an unbroken run up to the newest message, which is always in. Tokens are
 * counted for what is returned and for the one step that no longer fits.
 *
 * @throws {MemoryError} `invalid_input` for an option that is not one, and when the system messages alone, or the newest
 *   message with them, exceed the budget: a window without them, or over its bound, would be worse than none.
 * @example
 * const window = contextWindow(messages, { maxTokens: 8_000, reserveTokens: 1_000 });
 */
export function contextWindow(messages: readonly Message[], options: ContextOptions = {}): Message[] {
  const given = readOptions(options, CONTEXT_FIELDS, "options");
  const { maxTokens = Number.POSITIVE_INFINITY, reserveTokens = 0, countTokens = estimateTokens } = given;
  const { preserveSystem = true, keepUnansweredCalls = false } = given;
  assertFunction(countTokens, "countTokens");
  assertBoolean(preserveSystem, "preserveSystem");
  assertBoolean(keepUnansweredCalls, "keepUnansweredCalls");
  assertAmount(maxTokens, "maxTokens");
  assertAmount(reserveTokens, "reserveTokens");
  if (reserveTokens === Number.POSITIVE_INFINITY) throw invalidInput("reserveTokens", "must be finite");
  const count = (message: Message): number => {
    const tokens = countTokens(message);
    assertAmount(tokens, "what countTokens returned");
    return tokens;
  };

  const isFixed = (message: Message): boolean => preserveSystem && message.role === "system";
  const chosen = new Map<number, Message>();
  let budget = maxTokens - reserveTokens;
  for (const [index, message] of messages.entries()) {
    if (!isFixed(message)) continue;
    chosen.set(index, message);
    budget -= count(message);
  }
  if (chosen.size > 0 && budget < 0) throw overBudget(maxTokens, reserveTokens, "the system messages alone");

  let isNewest = true;
  for (const step of stepsFromNewest(messages, isFixed, keepUnansweredCalls)) {
    for (const { message } of step) budget -= count(message);
    if (budget < 0) {
      if (isNewest) throw overBudget(maxTokens, reserveTokens, "the newest message and what has to come with it");
      break;
    }
    for (const { index, message } of step) chosen.set(index, message);
    isNewest = false;
  }
  return messages.flatMap((_, index) => chosen.get(index) ?? []);
}

function overBudget(maxTokens: number, reserveTokens: number, excess: string): Error {
  return invalidInput(
    "maxTokens",
    `= ${maxTokens} less reserveTokens = ${reserveTokens} is exceeded by ${excess}; ` +
      "raise it, shorten them, or pass preserveSystem: false",
  );
}

/** A message of the window, and where it stands in the history. */
interface Placed {
  readonly index: number;
  readonly message: Message;
}

/**
 * The messages from the newest on, in steps that must not be divided: from a tool call to the last of its results.
 * Results whose call is not there are passed over, and calls without a result unless they are to be kept.
 */
function* stepsFromNewest(
  messages: readonly Message[],
  isFixed: (message: Message) => boolean,
  keepUnansweredCalls: boolean,
): Generator<Placed[]> {
  const { answers, unanswered } = linkCalls(messages);
  let step: Placed[] = [];
  let stepStart = messages.length;
  let isBroken = false;
  for (let index = messages.length - 1; index >= 0; index--) {
    const stored = messages[index];
    if (stored === undefined || isFixed(stored)) continue;
    const answer = answers.get(index) ?? NO_ANSWER;
    if (isLeftOut(answer)) continue;
    const open = keepUnansweredCalls ? undefined : unanswered.get(index);
    const message = open === undefined ? stored : withoutCalls(stored, open);
    // A result of several calls of which one is missing takes the others with it.
    isBroken ||= answer.isOrphan;
    if (message !== undefined) step.push({ index, message });
    stepStart = Math.min(stepStart, answer.firstCall ?? index);
    if (index > stepStart) continue;
    if (!isBroken && step.length > 0) yield step;
    step = [];
    stepStart = messages.length;
    isBroken = false;
  }
}
