import { decodeMessage } from "../atom/atom-codec.ts";
import { roleOf } from "../atom/atom.ts";
import type { MessageRole } from "../message/message.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import { toolLinks, type ToolLinks } from "../message/tool-links.ts";
import { isSelected, type RetentionRule } from "./policy.ts";

/** An atom to prune. */
export type PrunedAtom = Pick<AtomRow, "id" | "memoryType">;

/** Atoms that are pruned together: a tool call and its results, or one atom. */
export type PrunedStep = readonly PrunedAtom[];

/** Atoms that are kept or pruned together, and the keys of older messages that belong to the same step. */
interface Step {
  atoms: PrunedAtom[];
  isRemovable: boolean;
  readonly awaited: Set<string>;
}

/** The key that a plain result waits for: the assistant message before it. */
const SPEAKER = "speaker";
const callKey = (toolCallId: string): string => `call ${toolCallId}`;

/**
 * Decides which atoms of one session to prune. It receives the atoms newest first: an answer then precedes its call, so
 * that only answers without their calls have to be remembered. Pure.
 *
 * Guarantees: a tool call and its results are pruned together or not at all. The last step is kept while one of its
 * calls waits for a result, so that a result never arrives for a pruned call. When messages are kept by count, the
 * system messages before the first other message are kept, because they are the model's instructions.
 */
export class PruneDecision {
  readonly #rule: RetentionRule;
  readonly #waiting = new Map<string, Step>();
  #kept = 0;
  /** System messages to prune unless they turn out to be the leading ones. */
  #leading: PrunedStep[] = [];
  /** Whether only results have been seen so far. */
  #isLastStep = true;

  constructor(rule: RetentionRule) {
    this.#rule = rule;
  }

  /** Takes the next older atom and returns the steps that can now be pruned. */
  take(row: AtomRow): PrunedStep[] {
    const step: Step = { atoms: [row], isRemovable: this.#isLetGo(row), awaited: new Set() };
    const role = roleOf(row.memoryType);
    const others = role === undefined ? [] : this.#link(step, role, linksOf(row, role));
    const ready = [...others, step].filter(isReady).map(({ atoms }) => atoms);
    return this.#rule.keepLast === 0 || role === undefined ? ready : this.#afterLeading(role, step, ready);
  }

  /** Holds back a system message until an older message of another role shows that it is not a leading one. */
  #afterLeading(role: MessageRole, step: Step, ready: PrunedStep[]): PrunedStep[] {
    if (role !== "system") {
      const released = this.#leading;
      this.#leading = [];
      return [...released, ...ready];
    }
    if (isReady(step)) this.#leading.push(step.atoms);
    return ready.filter((atoms) => atoms !== step.atoms);
  }

  /** Returns the remaining steps to prune after the oldest atom: results without calls. */
  end(): PrunedStep[] {
    const steps = [...new Set(this.#waiting.values())];
    this.#waiting.clear();
    return steps.filter(({ isRemovable }) => isRemovable).map(({ atoms }) => atoms);
  }

  #isLetGo({ memoryType, createdAtMs }: AtomRow): boolean {
    if (!isSelected(this.#rule, memoryType)) return false;
    this.#kept += 1;
    if (this.#kept <= this.#rule.keepLast) return false;
    return createdAtMs < (this.#rule.createdBeforeMs ?? Number.POSITIVE_INFINITY);
  }

  /** Joins a message with its answers, which were seen before it. @returns steps that no longer wait for anything. */
  #link(step: Step, role: MessageRole, { calls, answeredHere, answers, isPlainResult }: ToolLinks): Step[] {
    const others: Step[] = [];
    if (role !== "tool") {
      const isAnswered = (id: string): boolean => answeredHere.has(id) || this.#waiting.has(callKey(id));
      if (this.#isLastStep && ![...calls].every(isAnswered)) step.isRemovable = false;
      this.#isLastStep = false;
      if (role === "assistant") this.#join(step, SPEAKER);
      else others.push(...this.#release(SPEAKER));
    }
    for (const toolCallId of calls) this.#join(step, callKey(toolCallId));
    for (const key of isPlainResult ? [SPEAKER] : answers.map(callKey)) {
      this.#join(step, key);
      step.awaited.add(key);
      this.#waiting.set(key, step);
    }
    if (!step.isRemovable) step.atoms = [];
    return others;
  }

  /** Merges the step that waits for a key into the given step. */
  #join(step: Step, key: string): void {
    for (const other of this.#release(key)) {
      if (other === step) continue;
      step.atoms = merged(step.atoms, other.atoms);
      step.isRemovable &&= other.isRemovable;
      for (const awaited of other.awaited) {
        step.awaited.add(awaited);
        this.#waiting.set(awaited, step);
      }
    }
  }

  #release(key: string): Step[] {
    const step = this.#waiting.get(key);
    this.#waiting.delete(key);
    step?.awaited.delete(key);
    return step === undefined ? [] : [step];
  }
}

/** Merges two lists. The shorter one is moved, so that a long run of results takes linear time. */
function merged(one: PrunedAtom[], other: PrunedAtom[]): PrunedAtom[] {
  const [long, short] = one.length < other.length ? [other, one] : [one, other];
  for (const atom of short) long.push(atom);
  return long;
}

function isReady({ isRemovable, awaited }: Step): boolean {
  return isRemovable && awaited.size === 0;
}

const NO_LINKS: ToolLinks = { calls: new Set(), answeredHere: new Set(), answers: [], isPlainResult: false };

/**
 * The links of a message. An unreadable message has none, and most messages without links are recognised without
 * decoding.
 */
function linksOf(row: AtomRow, role: MessageRole): ToolLinks {
  if (role !== "tool" && !row.content.includes('"tool-')) return NO_LINKS;
  try {
    return toolLinks(decodeMessage(row, role));
  } catch {
    return NO_LINKS;
  }
}
