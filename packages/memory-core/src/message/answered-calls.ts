/**
 * Links tool calls of a history with the messages that answer them, and finds unanswered calls. Pure, in linear time.
 */
import type { Message } from "./message.ts";
import { toolLinks } from "./tool-links.ts";

/** The calls that a message answers. */
export interface Answer {
  /** The position of the earliest call that the message answers; undefined when the history contains none of them. */
  readonly firstCall: number | undefined;
  /** Whether the history lacks one of the calls that it answers. */
  readonly isOrphan: boolean;
}

export const NO_ANSWER: Answer = { firstCall: undefined, isOrphan: false };

/** Whether a message consists only of results whose calls the history lacks. */
export function isLeftOut({ firstCall, isOrphan }: Answer): boolean {
  return isOrphan && firstCall === undefined;
}

export interface LinkedCalls {
  /** The answers, by the positions of their messages. */
  readonly answers: ReadonlyMap<number, Answer>;
  /** The ids of calls without a result, by the positions of the messages that contain them. */
  readonly unanswered: ReadonlyMap<number, ReadonlySet<string>>;
}

/**
 * Links the results of a history with their calls. If a call id was reused, the latest call before the answer counts. A
 * message that is left out takes its calls with it. A plain tool message answers the preceding assistant message: the
 * first of its calls that has no answer yet.
 */
export function linkCalls(messages: readonly Message[]): LinkedCalls {
  const callAt = new Map<string, number>();
  const answers = new Map<number, Answer>();
  const unanswered = new Map<number, Set<string>>();
  const settle = (position: number | undefined, toolCallId: string | undefined): void => {
    const open = position === undefined ? undefined : unanswered.get(position);
    if (position === undefined || open === undefined || toolCallId === undefined) return;
    open.delete(toolCallId);
    if (open.size === 0) unanswered.delete(position);
  };
  /** The assistant message that plain tool messages answer. */
  let speaker: number | undefined;
  for (const [index, message] of messages.entries()) {
    const { calls, answeredHere, answers: answeredIds, isPlainResult } = toolLinks(message);
    const answered = answeredIds.map((toolCallId) => callAt.get(toolCallId));
    if (answeredHere.size > 0) answered.push(index);
    if (isPlainResult) answered.push(speaker);
    const answer = toAnswer(answered);
    if (answered.length > 0) answers.set(index, answer);
    const isOut = isLeftOut(answer);
    if (message.role !== "tool") speaker = message.role === "assistant" && !isOut ? index : undefined;
    if (isOut) continue;
    for (const toolCallId of answeredIds) settle(callAt.get(toolCallId), toolCallId);
    if (isPlainResult) settle(speaker, firstOpen(unanswered, speaker));
    for (const toolCallId of calls) callAt.set(toolCallId, index);
    const open = new Set([...calls].filter((toolCallId) => !answeredHere.has(toolCallId)));
    if (open.size > 0) unanswered.set(index, open);
  }
  return { answers, unanswered };
}

function firstOpen(
  unanswered: ReadonlyMap<number, ReadonlySet<string>>,
  speaker: number | undefined,
): string | undefined {
  return speaker === undefined ? undefined : unanswered.get(speaker)?.values().next().value;
}

function toAnswer(calls: readonly (number | undefined)[]): Answer {
  let firstCall: number | undefined;
  let isOrphan = false;
  for (const call of calls) {
    if (call === undefined) isOrphan = true;
    else firstCall = Math.min(firstCall ?? call, call);
  }
  return { firstCall, isOrphan };
}

/**
 * Removes some calls, and the requests to approve them, from a message; undefined when nothing else is left. Reasoning
 * that led only to these calls is removed too: no provider accepts a message that ends with reasoning.
 */
export function withoutCalls(message: Message, toolCallIds: ReadonlySet<string>): Message | undefined {
  const { content } = message;
  if (typeof content === "string") return message;
  const kept = content.filter(
    (part) => !(GOES_WITH_CALL.has(part.type) && "toolCallId" in part && toolCallIds.has(part.toolCallId)),
  );
  if (kept.every(({ type }) => type === "reasoning")) return undefined;
  return Object.freeze({ ...message, content: Object.freeze(kept) as typeof kept });
}

const GOES_WITH_CALL: ReadonlySet<string> = new Set(["tool-call", "tool-approval-request"]);
