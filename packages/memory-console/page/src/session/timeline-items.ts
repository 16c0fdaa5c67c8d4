import type { JsonValue } from "@rivet/memory-core";
import type { AtomEntry } from "../../../src/wire.ts";
import { isJsonObject } from "../json.ts";

type Role = "user" | "assistant" | "system" | "tool";

/** One entry of the timeline: an atom, with the results of the tools that it calls. */
export interface TimelineItem {
  readonly atom: AtomEntry;
  readonly role: Role | undefined;
  /** By the id of the call. */
  readonly results: readonly ToolResult[];
}

export interface ToolResult {
  readonly toolCallId: string;
  readonly output: JsonValue;
  /** The message that brought it. */
  readonly atom: AtomEntry;
}

const ROLES: readonly Role[] = ["user", "assistant", "system", "tool"];

function roleOf(memoryType: string): Role | undefined {
  return ROLES.find((role) => memoryType === `message_${role}`);
}

/**
 * The atoms as entries: a message of results stands with its calls and not by itself, where all of them are there. A
 * call id that is used again means the latest call before the result. Pure.
 */
export function timelineItems(atoms: readonly AtomEntry[]): TimelineItem[] {
  const items = new Map<AtomEntry, { role: Role | undefined; results: ToolResult[] }>();
  const callers = new Map<string, AtomEntry>();
  for (const atom of atoms) {
    const role = roleOf(atom.memoryType);
    const answers = role === undefined ? [] : resultsOf(atom, role);
    const callersOfAll = answers.map(({ toolCallId }) => callers.get(toolCallId));
    const isOnlyAnswers = role === "tool" && answers.length > 0 && callersOfAll.every((caller) => caller !== undefined);
    for (const answer of isOnlyAnswers ? answers : []) {
      const caller = callers.get(answer.toolCallId);
      if (caller !== undefined) items.get(caller)?.results.push(answer);
    }
    if (!isOnlyAnswers) items.set(atom, { role, results: [] });
    if (role !== undefined) for (const id of callsOf(atom)) callers.set(id, atom);
  }
  return [...items].map(([atom, { role, results }]) => ({ atom, role, results }));
}

function callsOf({ content }: AtomEntry): string[] {
  const parts = Array.isArray(content) ? content.filter(isJsonObject) : [];
  return parts.flatMap(({ type, toolCallId }) =>
    type === "tool-call" && typeof toolCallId === "string" ? [toolCallId] : [],
  );
}

function resultsOf(atom: AtomEntry, role: Role): ToolResult[] {
  const { content, metadata } = atom;
  const plainCall = metadata["toolCallId"];
  if (!Array.isArray(content)) {
    return role === "tool" && typeof plainCall === "string" ? [{ toolCallId: plainCall, output: content, atom }] : [];
  }
  return content
    .filter(isJsonObject)
    .flatMap(({ type, toolCallId, output }) =>
      type === "tool-result" && typeof toolCallId === "string" ? [{ toolCallId, output: output ?? null, atom }] : [],
    );
}

/** Whether two entries look the same, so that the one that is drawn may stay. */
export function isSameItem(left: TimelineItem, right: TimelineItem): boolean {
  return (
    left.atom === right.atom &&
    left.results.length === right.results.length &&
    left.results.every((result, index) => result.atom === right.results[index]?.atom)
  );
}
