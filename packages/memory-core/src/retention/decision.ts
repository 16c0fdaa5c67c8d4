import { decodeMessage } from "../atom/atom-codec.ts";
import { roleOf } from "../atom/atom.ts";
import type { MessageRole } from "../message/message.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import { toolLinks, type ToolLinks } from "../message/tool-links.ts";
import { isSelected, type RetentionRule } from "./policy.ts";

/** An atom that goes. */
export type PrunedAtom = Pick<AtomRow, "id" | "memoryType">;

/** What must go together: a tool call and its results, or one atom. */
export type PrunedStep = readonly PrunedAtom[];

/** Atoms that stand or fall together, and what of them is still to come. */
interface Step {
  atoms: PrunedAtom[];
  isRemovable: boolean;
  readonly awaited: Set<string>;
}

/** What a plain result awaits: the assistant message before it. */
const SPEAKER = "speaker";
const callKey = (toolCallId: string): string => `call ${toolCallId}`;

/**
 * Decides what of one session goes. It is told the atoms from the newest on: an answer comes before its call then, so that
 * nothing but answers whose calls are still to come has to be remembered. Pure.
 *
 * Guarantees: of a tool call and its results all go or none; the last step stays while one of its calls waits for a
 * result, so that no answer comes to a call that is gone; the system messages that stand before the first other message stay
 * when messages are kept by count, for they are what the model is told.
 */
export class PruneDecision {
  readonly #rule: RetentionRule;
  readonly #waiting = new Map<string, Step>();
  #kept = 0;
  /** System messages that go unless no other message comes before them. */
  #leading: PrunedStep[] = [];
  /** Whether nothing but results has been seen yet. */
  #isLastStep = true;

  constructor(rule: RetentionRule) {
    this.#rule = rule;
  }

  /** What goes, now that the next older atom is known. */
  take(row: AtomRow): PrunedStep[] {
    const step: Step = { atoms: [row], isRemovable: this.#isLetGo(row), awaited: new Set() };
    const role = roleOf(row.memoryType);
    const others = role === undefined ? [] : this.#link(step, role, linksOf(row, role));
    const ready = [...others, step].filter(isReady).map(({ atoms }) => atoms);
    return this.#rule.keepLast === 0 || role === undefined ? ready : this.#afterLeading(role, step, ready);
  }

  /** Holds a system message back until an older message of another role shows that it is not one of those at the start. */
  #afterLeading(role: MessageRole, step: Step, ready: PrunedStep[]): PrunedStep[] {
    if (role !== "system") {
      const released = this.#leading;
      this.#leading = [];
      return [...released, ...ready];
    }
    if (isReady(step)) this.#leading.push(step.atoms);
    return ready.filter((atoms) => atoms !== step.atoms);
  }

  /** What else goes, when there are no older atoms: results whose calls are not there. */
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

  /** Joins a message with its answers, which were there before it. @returns steps that no longer await anything. */
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

  /** Takes what awaits a key into the step. */
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

/** Both lists as one. The shorter moves, so that a long run of results costs as much as there are of them. */
function merged(one: PrunedAtom[], other: PrunedAtom[]): PrunedAtom[] {
  const [long, short] = one.length < other.length ? [other, one] : [one, other];
  for (const atom of short) long.push(atom);
  return long;
}

function isReady({ isRemovable, awaited }: Step): boolean {
  return isRemovable && awaited.size === 0;
}

const NO_LINKS: ToolLinks = { calls: new Set(), answeredHere: new Set(), answers: [], isPlainResult: false };

/** A message that cannot be read is linked to nothing. Most need not be read to know that they are not either. */
function linksOf(row: AtomRow, role: MessageRole): ToolLinks {
  if (role !== "tool" && !row.content.includes('"tool-')) return NO_LINKS;
  try {
    return toolLinks(decodeMessage(row, role));
  } catch {
    return NO_LINKS;
  }
}
