import { invalidInput } from "../errors/errors.ts";
import type { Message } from "./message.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { estimateTokens } from "./token-estimate.ts";
import { isLeftOut, linkCalls, NO_ANSWER, withoutCalls } from "./answered-calls.ts";
import { assertAmount, assertBoolean, assertFunction } from "../atom/validation.ts";

export interface ContextOptions {
  /** The context window of the model, in tokens. Default: unlimited. */
  maxTokens?: number;
  /** The number of tokens to keep free, for the answer and the tools. Default: 0. */
  reserveTokens?: number;
  /** Counts the tokens of one message. Default: {@link estimateTokens}, whose error is stated there. */
  countTokens?: (message: Message) => number;
  /** Keep every system message, whatever its age. Default: true. */
  preserveSystem?: boolean;
  /**
   * Keep tool calls without a result, for code that runs the calls of the newest message itself. Otherwise providers
   * refuse them. Default: false.
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
 * The latest messages that fit a token budget, oldest first. Pure, and in time that is linear in the number of
 * messages.
 *
 * Guarantees: a tool call and its results are kept or left out together. A tool result whose call is not in `messages`
 * is left out, and so is a tool call without a result: its message is replaced by a copy without the call, or left out
 * if the message contains nothing else. System messages are kept, unless `preserveSystem` is false, and are counted
 * first. The rest is an unbroken run up to the newest message, which is always included. Tokens are counted only for
 * the returned messages and for the first step that does not fit.
 *
 * @throws {MemoryError} `invalid_input` for an invalid option, and when the system messages alone, or together with the
 *   newest message, exceed the budget: a window without them, or over the budget, would be worse than an error.
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
      if (isNewest) throw overBudget(maxTokens, reserveTokens, "the newest message and the messages that it requires");
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
      "raise maxTokens, shorten the messages, or pass preserveSystem: false",
  );
}

/** A message of the window, with its position in the history. */
interface Placed {
  readonly index: number;
  readonly message: Message;
}

/**
 * Walks the messages newest first, in steps that must not be split: from a tool call to its last result. Skips results
 * without a call, and calls without a result unless they are to be kept.
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
    // A result of several calls is left out, with their other results, if one of the calls is missing.
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
