import { invalidInput } from "./errors.ts";
import type { Message } from "./message.ts";
import { estimateTokens } from "./token-estimate.ts";
import { toolLinks } from "./tool-links.ts";
import { readOptions, type OptionFields } from "./option-fields.ts";
import { assertAmount, assertBoolean, assertFunction } from "./validation.ts";

export interface ContextOptions {
  /** The model's window, in tokens. Default: no bound. */
  maxTokens?: number;
  /** How many of them to keep free, for the answer and the tools. Default: 0. */
  reserveTokens?: number;
  /** Counts the tokens of one message. Default: {@link estimateTokens}, whose error is stated there. */
  countTokens?: (message: Message) => number;
  /** Keep every system message, whatever its age. Default: true. */
  preserveSystem?: boolean;
}

const CONTEXT_FIELDS: OptionFields<ContextOptions> = {
  maxTokens: "setting",
  reserveTokens: "setting",
  countTokens: "setting",
  preserveSystem: "setting",
};

/**
 * The latest messages that fit a token budget, oldest first. Pure.
 *
 * Guarantees: a tool call and its results are both in or both out; a tool result whose call is not in `messages` is left
 * out; system messages stay, unless `preserveSystem` is false, and are counted first; the rest is an unbroken run up to
 * the newest message. Tokens are counted for what is returned and for the one step that no longer fits.
 *
 * @throws {MemoryError} `invalid_input` for an option that is not one, and when the system messages alone exceed the
 *   budget: a window without them, or over its bound, would be worse than none.
 * @example
 * const window = contextWindow(messages, { maxTokens: 8_000, reserveTokens: 1_000 });
 */
export function contextWindow(messages: readonly Message[], options: ContextOptions = {}): Message[] {
  const given = readOptions(options, CONTEXT_FIELDS, "options");
  const { maxTokens = Number.POSITIVE_INFINITY, reserveTokens = 0, countTokens = estimateTokens } = given;
  const { preserveSystem = true } = given;
  assertFunction(countTokens, "countTokens");
  assertBoolean(preserveSystem, "preserveSystem");
  assertAmount(maxTokens, "maxTokens");
  assertAmount(reserveTokens, "reserveTokens");
  if (reserveTokens === Number.POSITIVE_INFINITY) throw invalidInput("reserveTokens", "must be finite");
  const count = (message: Message): number => {
    const tokens = countTokens(message);
    assertAmount(tokens, "what countTokens returned");
    return tokens;
  };

  const isFixed = (message: Message): boolean => preserveSystem && message.role === "system";
  const fixed = messages.filter(isFixed);
  let budget = maxTokens - reserveTokens;
  for (const message of fixed) budget -= count(message);
  if (fixed.length > 0 && budget < 0) {
    throw invalidInput(
      "maxTokens",
      `= ${maxTokens} less reserveTokens = ${reserveTokens} is exceeded by the system messages alone; ` +
        "raise it, shorten them, or pass preserveSystem: false",
    );
  }

  const kept: Message[] = [];
  for (const step of stepsFromNewest(messages, isFixed)) {
    for (const message of step) budget -= count(message);
    if (budget < 0) break;
    kept.push(...step);
  }
  return inOrder(messages, new Set([...fixed, ...kept]));
}

function inOrder(messages: readonly Message[], chosen: ReadonlySet<Message>): Message[] {
  return messages.filter((message) => chosen.has(message));
}

/**
 * The messages from the newest on, in steps that must not be divided: from a tool call to the last of its results.
 * Results whose call is not there are passed over.
 */
function* stepsFromNewest(messages: readonly Message[], isFixed: (message: Message) => boolean): Generator<Message[]> {
  const answers = answeredCalls(messages);
  let step: Message[] = [];
  let stepStart = messages.length;
  let isBroken = false;
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index];
    if (message === undefined || isFixed(message)) continue;
    const answer = answers.get(index) ?? NO_ANSWER;
    if (isLeftOut(answer)) continue;
    const { firstCall, isOrphan } = answer;
    // A result of several calls of which one is missing takes the others with it.
    isBroken ||= isOrphan;
    step.push(message);
    stepStart = Math.min(stepStart, firstCall ?? index);
    if (index > stepStart) continue;
    if (!isBroken) yield step;
    step = [];
    stepStart = messages.length;
    isBroken = false;
  }
}

interface Answer {
  /** The position of the earliest call that the message answers; undefined when it answers none that is there. */
  readonly firstCall: number | undefined;
  /** Whether one of the calls that it answers is not there. */
  readonly isOrphan: boolean;
}

const NO_ANSWER: Answer = { firstCall: undefined, isOrphan: false };

/**
 * Which messages answer which calls. A call id that is used again means the latest call before the answer. A message
 * that is left out takes its calls with it.
 */
function answeredCalls(messages: readonly Message[]): ReadonlyMap<number, Answer> {
  const callAt = new Map<string, number>();
  const answers = new Map<number, Answer>();
  for (const [index, message] of messages.entries()) {
    const { calls, answeredHere, answers: answeredIds, isPlainResult } = toolLinks(message);
    const answered = answeredIds.map((toolCallId) => callAt.get(toolCallId));
    if (answeredHere.size > 0) answered.push(index);
    if (isPlainResult) answered.push(speakerBefore(messages, index, answers));
    const answer = toAnswer(answered);
    if (answered.length > 0) answers.set(index, answer);
    if (!isLeftOut(answer)) for (const toolCallId of calls) callAt.set(toolCallId, index);
  }
  return answers;
}

function toAnswer(calls: readonly (number | undefined)[]): Answer {
  const there = calls.filter((call) => call !== undefined);
  return { firstCall: there.length === 0 ? undefined : Math.min(...there), isOrphan: there.length < calls.length };
}

function isLeftOut({ firstCall, isOrphan }: Answer): boolean {
  return isOrphan && firstCall === undefined;
}

/** The assistant message that a plain tool message belongs to. */
function speakerBefore(
  messages: readonly Message[],
  index: number,
  answers: ReadonlyMap<number, Answer>,
): number | undefined {
  let position = index - 1;
  while (messages[position]?.role === "tool") position--;
  if (messages[position]?.role !== "assistant") return undefined;
  return isLeftOut(answers.get(position) ?? NO_ANSWER) ? undefined : position;
}
