/** Atoms that take their time on the way go one by one, beside the pages of all others, which they do not hold up. */
import { ALL_STORES } from "../../statements/scope.ts";
import { deliver, type DrainTarget } from "./drain.ts";
import type { HintKey, HintPage, HintStore, LargeHint } from "./hints.ts";

/** A store that holds hints, and gives single ones. */
export interface LargeHintStore<Page extends HintPage> extends HintStore<Page> {
  /** A page of one hint. */
  pageOf(key: HintKey): Page;
}

/**
 * Brings usable targets the large atoms of hints. A hint is deleted only after its target has acknowledged the atom.
 *
 * @param isOver whether it is to end before the next atom.
 * @returns the targets that have not got everything, with the reason; undefined for one that could not be sent
 *   anything.
 * @throws what the source throws; what was settled before stays so.
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
      // A reply may have been lost, and another process may have brought it: what is there is not sent again.
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

/** The large atoms of one store on their way to others, some hints at a time. */
export class LargeAtoms {
  readonly #bring: (hints: readonly LargeHint[], isOver: () => boolean) => Promise<Undelivered>;
  #underWay: Promise<Undelivered> | undefined;
  #isStopped = false;

  /** @param bring brings those of hints, and gives the targets that have not got everything. */
  constructor(bring: (hints: readonly LargeHint[], isOver: () => boolean) => Promise<Undelivered>) {
    this.#bring = bring;
  }

  /** The targets that have not got what is on its way; undefined while nothing is. */
  get underWay(): Promise<Undelivered> | undefined {
    return this.#underWay;
  }

  /** Sends them on their way, unless others are. @returns undefined when it has not. */
  start(hints: readonly LargeHint[]): Promise<Undelivered> | undefined {
    if (hints.length === 0 || this.#underWay !== undefined || this.#isStopped) return undefined;
    this.#underWay = this.#bring(hints, () => this.#isStopped).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** Lets no other one begin. */
  stop(): void {
    this.#isStopped = true;
  }
}
