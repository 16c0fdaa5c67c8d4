import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AtomRow, MessagePart } from "../../src/index.ts";
import { PruneDecision } from "../../src/retention/decision.ts";
import type { RetentionRule } from "../../src/retention/policy.ts";
import { callPart, messageOf, resultPart } from "../messages.ts";

const NOW = 1_000;
/** Few ids, so that calls are answered, answered twice, used again and missed. */
const anyCallId = fc.constantFrom("a", "b", "c");
const anyPart = fc.oneof(
  anyCallId.map((id): MessagePart => callPart(id, {})),
  anyCallId.map((id): MessagePart => resultPart(id, { type: "text", value: "done" })),
  fc.constant<MessagePart>({ type: "text", text: "done" }),
);

interface Draft {
  readonly type: string;
  readonly content: string | MessagePart[];
  readonly toolCallId?: string | undefined;
  readonly createdAtMs: number;
}

const anyDraft: fc.Arbitrary<Draft> = fc.record({
  type: fc.constantFrom("message_user", "message_assistant", "message_tool", "message_tool", "log", "session_metadata"),
  content: fc.oneof(fc.constant("text"), fc.array(anyPart, { maxLength: 3 })),
  toolCallId: fc.option(anyCallId, { nil: undefined }),
  createdAtMs: fc.integer({ min: 0, max: NOW }),
});
const anyTypes = fc.subarray(["message_user", "message_assistant", "message_tool", "log"], { minLength: 1 });
const anyRule: fc.Arbitrary<RetentionRule> = fc.record({
  memoryTypes: fc.option(anyTypes, { nil: undefined }),
  createdBeforeMs: fc.option(fc.integer({ min: 0, max: NOW + 1 }), { nil: undefined }),
  keepLast: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 })),
});

/** Rows as a store gives them, oldest first. */
function rowsOf(drafts: readonly Draft[]): AtomRow[] {
  return drafts.map(({ type, content, toolCallId, createdAtMs }) => {
    const { id } = messageOf("user", content);
    const metadata = JSON.stringify(toolCallId === undefined ? {} : { toolCallId });
    const row = { sessionId: "s", id, userId: "ada", memoryType: type, metadata, createdAtMs, expiresAtMs: null };
    return { ...row, content: JSON.stringify(content) };
  });
}

function decide(rows: readonly AtomRow[], rule: RetentionRule): string[][] {
  const decision = new PruneDecision(rule);
  const steps = rows.toReversed().flatMap((row) => decision.take(row));
  return [...steps, ...decision.end()].map((step) => step.map(({ id }) => id));
}

/** Pairs each result with the latest call before it, by their positions; -1 for a missing call. */
function pairsOf(drafts: readonly Draft[]): [call: number, result: number][] {
  const pairs: [number, number][] = [];
  const partsAt = (place: number): readonly MessagePart[] => {
    const draft = drafts[place];
    return draft === undefined || !draft.type.startsWith("message_") || typeof draft.content === "string"
      ? []
      : draft.content;
  };
  const calls = (parts: readonly MessagePart[], id: string): boolean =>
    parts.some((part) => part.type === "tool-call" && part.toolCallId === id);
  const callBefore = (place: number, id: string): number => {
    let at = place - 1;
    while (at >= 0 && !calls(partsAt(at), id)) at--;
    return at;
  };
  for (const [place, draft] of drafts.entries()) {
    const results = partsAt(place).flatMap((part, index) =>
      part.type === "tool-result" ? [{ id: part.toolCallId, before: partsAt(place).slice(0, index) }] : [],
    );
    for (const { id, before } of results) {
      if (!calls(before, id)) pairs.push([callBefore(place, id), place]);
    }
    if (draft.type !== "message_tool" || results.length > 0) continue;
    if (draft.toolCallId !== undefined) pairs.push([callBefore(place, draft.toolCallId), place]);
    else {
      let speaker = place - 1;
      while (["message_tool", "log", "session_metadata"].includes(drafts[speaker]?.type ?? "")) speaker--;
      pairs.push([drafts[speaker]?.type === "message_assistant" ? speaker : -1, place]);
    }
  }
  return pairs;
}

describe("what goes of a session", () => {
  it("is let go by age, count and type, and no call goes without its results, nor a result without its call", () => {
    fc.assert(
      fc.property(fc.array(anyDraft, { maxLength: 25 }), anyRule, (drafts, rule) => {
        const rows = rowsOf(drafts);
        const steps = decide(rows, rule);
        const gone = new Set(steps.flat());
        expect(gone.size).toBe(steps.flat().length);
        const isGone = (place: number): boolean => gone.has(rows[place]?.id ?? "");
        for (const [call, result] of pairsOf(drafts)) {
          if (call < 0) continue;
          expect(isGone(call)).toBe(isGone(result));
          const step = steps.find((ids) => ids.includes(rows[call]?.id ?? ""));
          if (step !== undefined) expect(step).toContain(rows[result]?.id);
        }
        const selected = rows.filter(
          ({ memoryType }) => memoryType !== "session_metadata" && (rule.memoryTypes?.includes(memoryType) ?? true),
        );
        const letGo = selected
          .slice(0, Math.max(0, selected.length - rule.keepLast))
          .filter(({ createdAtMs }) => createdAtMs < (rule.createdBeforeMs ?? Infinity));
        expect(letGo.map(({ id }) => id)).toEqual(expect.arrayContaining([...gone]));
        // All goes that is let go, but for what belongs together with something that stays, and the last message's
        // step.
        const linked = new Set(
          pairsOf(drafts)
            .flat()
            .map((place) => rows[place]?.id),
        );
        const last = rows.findLast(({ memoryType }) => /^message_(user|assistant)$/.test(memoryType));
        for (const { id } of letGo) if (!linked.has(id) && id !== last?.id) expect(gone).toContain(id);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is all that is let go where nothing is called", () => {
    const anyPlain = anyDraft.map((draft) => ({ ...draft, content: "text", toolCallId: undefined }));
    const withoutTools = anyPlain.filter(({ type }) => type !== "message_tool");
    const rule = { memoryTypes: undefined, createdBeforeMs: 500, keepLast: 0 };
    fc.assert(
      fc.property(fc.array(withoutTools, { maxLength: 25 }), (drafts) => {
        const rows = rowsOf(drafts);
        const old = rows.filter((row) => row.memoryType !== "session_metadata" && row.createdAtMs < 500);
        expect(decide(rows, rule).flat().toSorted()).toEqual(old.map(({ id }) => id).toSorted());
      }),
    );
  });

  it("is decided for a message that cannot be read by its age alone", () => {
    const rows = rowsOf([{ type: "message_tool", content: "text", createdAtMs: 0 }]);
    const damaged = rows.map((row) => ({ ...row, content: "[" }));
    const rule = { memoryTypes: undefined, createdBeforeMs: 1, keepLast: 0 };
    expect(decide(damaged, rule)).toEqual(damaged.map(({ id }) => [id]));
  });
});
