import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contextWindow, estimateTokens, MemoryError, Session, type Message, type MessagePart } from "../src/index.ts";
import { callPart, messageOf, resultPart } from "./messages.ts";

/** Few ids, so that calls are answered, answered twice, used again and missed. */
const anyCallId = fc.constantFrom("a", "b", "c");
const anyCall = anyCallId.map((id): MessagePart => callPart(id, {}));
const anyResult = anyCallId.map((id): MessagePart => resultPart(id, { type: "text", value: "done" }));
const text: MessagePart = { type: "text", text: "done" };

type Draft = Parameters<typeof messageOf>;
const anyDraft: fc.Arbitrary<Draft> = fc.oneof(
  fc.constantFrom<Draft>(["user", "question"], ["assistant", "answer"], ["system", "rule"], ["tool", [text]]),
  fc.array(fc.oneof(anyCall, fc.constant(text)), { maxLength: 3 }).map((parts): Draft => ["assistant", parts]),
  fc.array(fc.oneof(anyCall, anyResult), { maxLength: 3 }).map((parts): Draft => ["assistant", parts]),
  fc.array(anyResult, { minLength: 1, maxLength: 3 }).map((parts): Draft => ["tool", parts]),
  anyCallId.map((toolCallId): Draft => ["tool", "done", { toolCallId }]),
  fc.constant<Draft>(["tool", "done"]),
);
const anyHistory = fc.array(anyDraft, { maxLength: 25 }).map((drafts) => drafts.map((draft) => messageOf(...draft)));

/** A call, and the place of an answer to it. The call is undefined when it is not there. */
interface Link {
  readonly call: number | undefined;
  readonly answer: number;
}

interface Links {
  readonly links: readonly Link[];
  /** Messages all of whose results have no call. What they call is not there either. */
  readonly leftOut: ReadonlySet<number>;
}

function linksOf(messages: readonly Message[]): Links {
  const links: Link[] = [];
  const leftOut = new Set<number>();
  const said: { part: MessagePart; place: number }[] = [];
  for (const [place, { role, content, metadata }] of messages.entries()) {
    const answeredCalls: (number | undefined)[] = [];
    const callOf = (id: unknown): number | undefined =>
      said.findLast(({ part, place }) => part.type === "tool-call" && part.toolCallId === id && !leftOut.has(place))
        ?.place;
    for (const part of typeof content === "string" ? [] : content) {
      if (part.type === "tool-result") answeredCalls.push(callOf(part.toolCallId));
      said.push({ part, place });
    }
    if (role === "tool" && answeredCalls.length === 0) {
      const speaker = messages.slice(0, place).findLastIndex((message) => message.role !== "tool");
      const isAnswered = messages[speaker]?.role === "assistant" && !leftOut.has(speaker);
      if (metadata["toolCallId"] !== undefined) answeredCalls.push(callOf(metadata["toolCallId"]));
      else answeredCalls.push(isAnswered ? speaker : undefined);
    }
    if (answeredCalls.length > 0 && answeredCalls.every((call) => call === undefined)) leftOut.add(place);
    links.push(...answeredCalls.map((call) => ({ call, answer: place })));
  }
  return { links, leftOut };
}

/** The groups that must not be divided, oldest first, without the fixed messages and those that are left out. */
function groupsOf(messages: readonly Message[], isFixed: (message: Message) => boolean): Message[][] {
  const { links, leftOut } = linksOf(messages);
  const groups: { members: Message[]; isBroken: boolean }[] = [];
  let end = -1;
  for (const [place, message] of messages.entries()) {
    if (isFixed(message) || leftOut.has(place)) continue;
    if (place > end) groups.push({ members: [], isBroken: false });
    const group = groups.at(-1) ?? expect.fail();
    group.members.push(message);
    group.isBroken ||= links.some(({ answer, call }) => answer === place && call === undefined);
    end = Math.max(end, place, ...links.filter(({ call }) => call === place).map(({ answer }) => answer));
  }
  return groups.filter(({ isBroken }) => !isBroken).map(({ members }) => members);
}

const anyCase = fc.record({
  messages: anyHistory,
  maxTokens: fc.integer({ min: 0, max: 60 }),
  reserveTokens: fc.integer({ min: 0, max: 10 }),
  preserveSystem: fc.boolean(),
  weights: fc.infiniteStream(fc.integer({ min: 0, max: 6 })),
});

type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * A case as `contextWindow` answers it, or undefined when its system messages or its newest group are over the budget.
 */
function run({ messages, maxTokens, reserveTokens, preserveSystem, weights }: Case) {
  const weightOf = new Map(messages.map((message) => [message, weights.next().value ?? 0]));
  const sum = (some: readonly Message[]): number => some.reduce((total, one) => total + (weightOf.get(one) ?? 0), 0);
  const isFixed = (message: Message): boolean => preserveSystem && message.role === "system";
  const budget = maxTokens - reserveTokens;
  const fixed = messages.filter(isFixed);
  const counted: Message[] = [];
  const countTokens = (message: Message): number => {
    counted.push(message);
    return weightOf.get(message) ?? 0;
  };
  const options = { maxTokens, reserveTokens, preserveSystem, countTokens, keepUnansweredCalls: true };
  const newest = groupsOf(messages, isFixed).at(-1) ?? [];
  const isTooMuch = newest.length > 0 && sum(fixed) + sum(newest) > budget;
  if (isTooMuch || (fixed.length > 0 && sum(fixed) > budget)) {
    expect(() => contextWindow(messages, options)).toThrow(MemoryError);
    return undefined;
  }
  const window = contextWindow(messages, options);
  return { messages, window, counted, sum, isFixed, budget, fixed };
}

/** Whether no id is used for two calls, which a reader of the window could not tell apart. */
function hasDistinctCalls(messages: readonly Message[]): boolean {
  const ids = messages.flatMap(({ content }) =>
    (typeof content === "string" ? [] : content).flatMap((part) =>
      part.type === "tool-call" ? [part.toolCallId] : [],
    ),
  );
  return new Set(ids).size === ids.length;
}

describe("contextWindow", () => {
  it("never has a result without its call, nor a call without the results that are there", () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const result = run(input);
        if (result === undefined) return;
        const { messages, window } = result;
        const isIn = messages.map((message) => window.includes(message));
        const { links } = linksOf(messages);
        for (const { call, answer } of links) {
          if (isIn[answer]) expect(call !== undefined && isIn[call]).toBe(true);
          if (call !== undefined && isIn[call]) expect(isIn[answer]).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps the budget, the order and every system message", () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const result = run(input);
        if (result === undefined) return;
        const { messages, window, sum, budget, fixed } = result;
        if (window.length > 0) expect(sum(window)).toBeLessThanOrEqual(budget);
        expect(messages.filter((message) => window.includes(message))).toEqual(window);
        expect(window).toEqual(expect.arrayContaining(fixed));
      }),
      { numRuns: 500 },
    );
  });

  it("is the longest unbroken run of whole groups up to the newest message", () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const result = run(input);
        if (result === undefined) return;
        const { messages, window, sum, isFixed, budget, fixed } = result;
        const expected = new Set(fixed);
        for (const members of groupsOf(messages, isFixed).toReversed()) {
          if (sum([...expected]) + sum(members) > budget) break;
          for (const member of members) expected.add(member);
        }
        expect(window).toEqual(messages.filter((message) => expected.has(message)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("counts what it returns and the one group that no longer fits, each message once", () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const result = run(input);
        if (result === undefined) return;
        const { messages, window, counted, isFixed } = result;
        expect(new Set(counted).size).toBe(counted.length);
        expect(counted).toEqual(expect.arrayContaining(window));
        const excess = counted.filter((message) => !window.includes(message));
        if (excess.length > 0) expect(groupsOf(messages, isFixed)).toContainEqual(excess.toReversed());
      }),
      { numRuns: 500 },
    );
  });

  it("counts only the end of a long history", () => {
    const messages = Array.from({ length: 10_000 }, () => messageOf("user", "question"));
    let count = 0;
    const countTokens = (): number => {
      count += 1;
      return 10;
    };
    expect(contextWindow(messages, { maxTokens: 55, countTokens })).toEqual(messages.slice(-5));
    expect(count).toBe(6);
  });

  it("returns everything without a bound, but for results without a call", () => {
    const messages = [messageOf("tool", "lost"), messageOf("user", "question"), messageOf("assistant", "answer")];
    expect(contextWindow(messages)).toEqual(messages.slice(1));
    expect(contextWindow([])).toEqual([]);
  });

  it("keeps free what is reserved", () => {
    const messages = ["one", "two", "three"].map((content) => messageOf("user", content));
    const countTokens = (): number => 10;
    expect(contextWindow(messages, { maxTokens: 30, countTokens })).toHaveLength(3);
    expect(contextWindow(messages, { maxTokens: 30, reserveTokens: 1, countTokens })).toHaveLength(2);
    const tooMuch = (): unknown => contextWindow(messages, { maxTokens: 30, reserveTokens: 21, countTokens });
    expect(tooMuch).toThrow(/maxTokens = 30 less reserveTokens = 21 is exceeded by the newest message/);
  });

  it("keeps the system messages first, and treats them as others when told to", () => {
    const messages = [messageOf("system", "rule"), messageOf("user", "one"), messageOf("user", "two")];
    const options = { maxTokens: 20, countTokens: (): number => 10 };
    expect(contextWindow(messages, options)).toEqual([messages[0], messages[2]]);
    expect(contextWindow(messages, { ...options, preserveSystem: false })).toEqual(messages.slice(1));
  });

  it("refuses a budget that the system messages alone exceed, and says what to do", () => {
    const messages = [messageOf("system", "rule"), messageOf("user", "one")];
    const work = (): unknown => contextWindow(messages, { maxTokens: 5, countTokens: () => 10 });
    expect(work).toThrow(/maxTokens = 5 .* preserveSystem: false/);
  });

  it("counts with the estimate unless it is given a count", () => {
    const messages = [messageOf("user", "one two three"), messageOf("assistant", "four five six")];
    const [first, second] = messages.map(estimateTokens);
    expect(contextWindow(messages, { maxTokens: (first ?? 0) + (second ?? 0) })).toHaveLength(2);
    expect(contextWindow(messages, { maxTokens: (first ?? 0) + (second ?? 0) - 1 })).toHaveLength(1);
  });

  it.each([
    [{ maxTokens: -1 }, "maxTokens"],
    [{ maxTokens: "100" }, "maxTokens"],
    [{ reserveTokens: Number.NaN }, "reserveTokens"],
    [{ countTokens: () => Number.NaN }, "what countTokens returned"],
    [7, "options"],
  ])("refuses %j", (options, path) => {
    // @ts-expect-error the point is an argument of another type
    const work = (): unknown => contextWindow([messageOf("user", "one")], options);
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path }));
  });

  it("refuses a budget that the newest message exceeds, also when a system message fits", () => {
    const messages = [messageOf("system", "rule"), messageOf("user", "a long question")];
    const countTokens = ({ role }: Message): number => (role === "system" ? 1 : 100);
    const work = (): unknown => contextWindow(messages, { maxTokens: 50, countTokens });
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path: "maxTokens" }));
  });

  it("has a result for each call and a call for each result, wherever calls were left without one", () => {
    fc.assert(
      fc.property(
        fc.array(anyDraft, { maxLength: 8 }).map((drafts) => drafts.map((draft) => messageOf(...draft))),
        (messages) => {
          fc.pre(hasDistinctCalls(messages));
          const open = new Set<string>();
          let spoken: readonly string[] = [];
          for (const { role, content, metadata } of contextWindow(messages)) {
            const parts = typeof content === "string" ? [] : content;
            const isPlain = role === "tool" && !parts.some(({ type }) => type === "tool-result");
            const named = metadata["toolCallId"];
            // Without an id it answers the assistant message before it.
            if (isPlain) open.delete(typeof named === "string" ? named : (spoken.find((id) => open.has(id)) ?? ""));
            if (role === "assistant")
              spoken = parts.flatMap((part) => (part.type === "tool-call" ? [part.toolCallId] : []));
            for (const part of parts) {
              if (part.type === "tool-call") open.add(part.toolCallId);
              if (part.type === "tool-result") open.delete(part.toolCallId);
            }
          }
          expect([...open]).toEqual([]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("leaves out a call that nobody answered, at the end, in the middle, and beside one that was answered", () => {
    const question = messageOf("user", "question");
    const aborted = messageOf("assistant", [{ type: "reasoning", text: "look" }, callPart("lost", {})]);
    const again = messageOf("user", "again");
    const partly = messageOf("assistant", [text, callPart("a", {}), callPart("b", {})]);
    const result = messageOf("tool", [resultPart("a", { type: "text", value: "done" })]);
    const last = messageOf("assistant", [text, callPart("c", {})]);
    const window = contextWindow([question, aborted, again, partly, result, last]);
    expect(window).toEqual([
      question,
      again,
      { ...partly, content: [text, callPart("a", {})] },
      result,
      { ...last, content: [text] },
    ]);
    expect(contextWindow([question, aborted])).toEqual([question]);
    expect(contextWindow([question, aborted], { keepUnansweredCalls: true })).toEqual([question, aborted]);
  });

  it("keeps a call whose approval was given, for the tool is run after that", () => {
    const call = messageOf("assistant", [callPart("a", {})]);
    const approval: MessagePart = Object(
      JSON.parse('{"type":"tool-approval-response","approvalId":"1","approved":true}'),
    );
    const answer = messageOf("tool", [approval]);
    expect(contextWindow([call, answer])).toEqual([call, answer]);
  });

  it("reads a history of plain tool messages a fixed number of times, however long it is", () => {
    const readsOf = (length: number): number => {
      const history = [
        messageOf("assistant", "calls"),
        ...Array.from({ length }, () => messageOf("tool", "done", { toolCallId: "none" })),
        ...Array.from({ length }, () => messageOf("tool", "done")),
      ];
      let reads = 0;
      const counted = new Proxy(history, {
        get: (target, key) => {
          reads += 1;
          return Reflect.get(target, key);
        },
      });
      contextWindow(counted);
      return reads / length;
    };
    expect(readsOf(4_000)).toBeLessThan(readsOf(500) * 1.5);
  });

  it("holds a step of 130,000 results", () => {
    const call = messageOf("assistant", "calls");
    const results = Array.from({ length: 130_000 }, () => messageOf("tool", "done"));
    expect(contextWindow([call, ...results])).toHaveLength(130_001);
  });

  it("is what a session's getContext gives", () => {
    const session = new Session({ userId: "ada" });
    const one = session.addUserMessage("one");
    session.addToolMessage("lost");
    expect(session.getContext()).toEqual([one]);
  });
});
