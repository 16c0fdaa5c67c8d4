/** Delivers large atoms one by one, in parallel with the pages of all other atoms, so that they do not delay those. */
import { ALL_STORES } from "../../statements/scope.ts";
import { deliver, type DrainTarget } from "./drain.ts";
import type { HintKey, HintPage, HintStore, LargeHint } from "./hints.ts";

/** A store that holds hints and returns single ones. */
export interface LargeHintStore<Page extends HintPage> extends HintStore<Page> {
  /** A page of one hint. */
  pageOf(key: HintKey): Page;
}

/**
 * Delivers the large atoms of hints to usable targets. A hint is deleted only after its target has acknowledged the
 * atom.
 *
 * @param isOver whether the delivery must stop before the next atom.
 * @returns the targets that did not receive everything, with the reason; undefined for a target that was unreachable.
 * @throws the errors of the source; hints settled before stay settled.
 */
export async function bringLargeAtoms<Page extends HintPage>(
  source: LargeHintStore<Page>,
  targets: readonly DrainTarget[],
  hints: readonly LargeHint[],
  isOver: () => boolean,
): Promise<ReadonlyMap<string, unknown>> {
  const undelivered = new Map<string, unknown>();
  const bring = async (target: DrainTarget, key: HintKey, page: Page): Promise<void> => {
    if (undelivered.has(target.name)) return;
    try {
      if (!target.isUsable()) undelivered.set(target.name, undefined);
      // A reply may have been lost, or another process may have delivered the atom, so a stored atom is not sent again.
      else if ((await target.holds?.(key)) !== true) await deliver(source, target, page);
    } catch (error) {
      undelivered.set(target.name, error);
    }
  };
  for (const { target: name, key } of hints) {
    if (isOver()) break;
    const wanting = name === ALL_STORES ? targets : targets.filter((target) => target.name === name);
    const page = source.pageOf(key);
    await Promise.all(wanting.map((target) => bring(target, key, page)));
    const missing = wanting.map((target) => target.name).filter((target) => undelivered.has(target));
    if (missing.length < wanting.length) await source.settle(name, page, missing);
  }
  return undelivered;
}

type Undelivered = ReadonlyMap<string, unknown>;

/** The delivery of one store's large atoms to others, some hints at a time. */
export class LargeAtoms {
  readonly #bring: (hints: readonly LargeHint[], isOver: () => boolean) => Promise<Undelivered>;
  #underWay: Promise<Undelivered> | undefined;
  #isStopped = false;

  /** @param bring delivers the atoms of hints, and returns the targets that did not receive everything. */
  constructor(bring: (hints: readonly LargeHint[], isOver: () => boolean) => Promise<Undelivered>) {
    this.#bring = bring;
  }

  /** The targets that did not receive the atoms in transit; undefined while none are in transit. */
  get underWay(): Promise<Undelivered> | undefined {
    return this.#underWay;
  }

  /** Starts a delivery, unless one is running. @returns undefined if one is running. */
  start(hints: readonly LargeHint[]): Promise<Undelivered> | undefined {
    if (hints.length === 0 || this.#underWay !== undefined || this.#isStopped) return undefined;
    this.#underWay = this.#bring(hints, () => this.#isStopped).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** Prevents further deliveries. */
  stop(): void {
    this.#isStopped = true;
  }
}
