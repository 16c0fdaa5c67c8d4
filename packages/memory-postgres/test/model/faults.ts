/** The faults of a delivery, and their moments. The command decides everything, so that a run can be repeated. */
import { MemoryError } from "@rivet/memory-core";
import type { DrainTarget } from "../../src/replication/delivery/drain.ts";
import type { HintStore } from "../../src/replication/delivery/hints.ts";
import type { ModelPage } from "./hinting-storage.ts";

export const STEPS = ["page", "merge", "acknowledge", "settle", "settled"] as const;
export type Step = (typeof STEPS)[number];

/** An error at a step: when the drain comes to it for the so-manieth time. */
export interface Fault {
  readonly step: Step;
  readonly after: number;
}

export function unreachable(name: string): MemoryError {
  return new MemoryError({ code: "unavailable", message: `${name} cannot be reached` });
}

/** The pace of one drainer: each of its steps takes some turns of the microtask queue, and one of them may fail. */
export class Pace {
  readonly #turns: readonly number[];
  readonly #fault: Fault | undefined;
  #steps = 0;
  #visits = 0;

  constructor(turns: readonly number[], fault: Fault | undefined) {
    this.#turns = turns;
    this.#fault = fault;
  }

  async reach(step: Step): Promise<void> {
    this.#steps += 1;
    await turns(this.#turns[this.#steps % this.#turns.length] ?? 0);
    if (step !== this.#fault?.step) return;
    this.#visits += 1;
    if (this.#visits === this.#fault.after + 1) throw unreachable(`the ${step} step`);
  }
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

export function pacedHints(hints: HintStore<ModelPage>, pace: Pace): HintStore<ModelPage> {
  return {
    name: hints.name,
    async page(target, after, limit) {
      await pace.reach("page");
      return hints.page(target, after, limit);
    },
    async settle(target, page, others) {
      await pace.reach("settle");
      await hints.settle(target, page, others);
      await pace.reach("settled");
    },
    release: () => hints.release(),
    keepDeadLetters: (target, refused) => hints.keepDeadLetters(target, refused),
  };
}

export function pacedTarget(target: DrainTarget, pace: Pace): DrainTarget {
  const paced = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await pace.reach("merge");
    const result = await work();
    await pace.reach("acknowledge");
    return result;
  };
  const { take } = target;
  return {
    ...target,
    merge: (facts) => paced(() => target.merge(facts)),
    ...(take === undefined ? {} : { take: (packed) => paced(() => take(packed)) }),
  };
}
