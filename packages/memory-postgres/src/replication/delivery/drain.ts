import { mergeAround, type Facts, type Merged, type RefusedAtom } from "@rivet/memory-core";
import { ALL_STORES } from "../../statements/scope.ts";
import type { HintKey, HintPage, HintStore, LargeHint } from "./hints.ts";
import type { PageLength } from "../../journal/page-length.ts";

/** A store that must receive everything. */
export interface DrainTarget {
  readonly name: string;
  readonly isUsable: () => boolean;
  /** All or nothing, idempotently, and acknowledged only when it is committed. */
  readonly merge: (facts: Facts) => Promise<Merged>;
  /** Takes a packed page, all or nothing. @returns false when it has to be merged with care. */
  readonly take?: (packed: readonly unknown[]) => Promise<boolean>;
  /** Whether it has an atom already. */
  readonly holds?: (key: HintKey) => Promise<boolean>;
}

export interface DrainOptions {
  readonly pageLength: PageLength;
  /** A pause between two pages, so that other work proceeds. */
  readonly pause: () => Promise<void>;
  /** Resolves when the other targets must no longer wait for a target, which then counts as failed. */
  readonly patience: (target: DrainTarget) => Promise<void>;
}

/** The most hints of large atoms that are remembered at a time; a later drain finds the others again. */
const MOST_LARGE = 1_000;

export interface Drained {
  /** The targets that did not receive everything, with the reason; undefined for a target that was unreachable. */
  readonly undelivered: ReadonlyMap<string, unknown>;
  /** Whether hints were left to another process that was delivering them. */
  readonly isLeft: boolean;
  /** The skipped hints of large atoms. */
  readonly large: readonly LargeHint[];
}

/**
 * Delivers the facts of a store's hints to every usable target, page by page, except large atoms. A hint is deleted
 * only after its target has acknowledged the fact; a target that fails keeps its hints until the next drain. Any number
 * of drainers may run at once.
 *
 * @throws the errors of the source; hints settled before stay settled.
 */
export async function drain<Page extends HintPage>(
  source: HintStore<Page>,
  targets: readonly DrainTarget[],
  options: DrainOptions,
): Promise<Drained> {
  let isLeft = false;
  const large: LargeHint[] = [];
  const passOver = (target: string, page: Page): void => {
    for (const key of page.large ?? []) if (large.length < MOST_LARGE) large.push({ target, key });
  };
  const undelivered = new Map<string, unknown>();
  /** The targets that missed facts while no target was usable, even if they recovered right after. */
  let stranded: readonly string[] = [];
  const bring = async (target: DrainTarget, page: Page): Promise<boolean> => {
    if (undelivered.get(target.name) !== undefined) return false;
    // A target that recovers meanwhile continues from here; the facts that it missed become separate hints for it.
    undelivered.delete(target.name);
    try {
      if (!target.isUsable()) undelivered.set(target.name, undefined);
      else await withPatience(deliver(source, target, page), () => options.patience(target));
    } catch (error) {
      undelivered.set(target.name, error);
    }
    return !undelivered.has(target.name);
  };
  // Most stores are well most of the time: what all lack is read once, and hints of single targets are the exception.
  await eachPage(source, ALL_STORES, options, async (page) => {
    isLeft ||= page.isLeft;
    passOver(ALL_STORES, page);
    if (page.count === 0) return page.hasMore;
    await options.pageLength.measure(page.count, () => Promise.all(targets.map((target) => bring(target, page))));
    const missing = targets.filter(({ name }) => undelivered.has(name)).map(({ name }) => name);
    if (targets.length > 0 && missing.length === targets.length) {
      stranded = missing;
      return false;
    }
    await source.settle(ALL_STORES, page, missing);
    return true;
  });
  const bringOwn = (target: DrainTarget): Promise<void> =>
    eachPage(source, target.name, options, async (page) => {
      isLeft ||= page.isLeft;
      passOver(target.name, page);
      if (page.count === 0) return page.hasMore;
      if (!(await options.pageLength.measure(page.count, () => bring(target, page)))) return false;
      await source.settle(target.name, page, []);
      return true;
    });
  // The process that holds the lease for these hints also delivers those of single targets.
  const brought = isLeft ? [] : await Promise.allSettled(targets.map(bringOwn));
  for (const outcome of brought) if (outcome.status === "rejected") throw outcome.reason;
  for (const name of stranded) if (!undelivered.has(name)) undelivered.set(name, undefined);
  if (undelivered.size > 0) await source.release();
  return { undelivered, isLeft, large };
}

/** @throws if the work takes too long; the work in flight goes on, which is harmless. */
async function withPatience(work: Promise<void>, patience: () => Promise<void>): Promise<void> {
  const isOver = Symbol("over");
  const outcome = await Promise.race([work, patience().then(() => isOver)]);
  if (outcome === isOver) throw new Error("the provider did not accept replicated data in time; it is retried later");
}

/** Visits the pages of a target, also if there is but an empty one, until a visit says that it is enough. */
async function eachPage<Page extends HintPage>(
  source: HintStore<Page>,
  target: string,
  { pageLength, pause }: DrainOptions,
  visit: (page: Page) => Promise<boolean>,
): Promise<void> {
  const read = (after?: HintKey): Promise<Page> => {
    const reading = source.page(target, after, pageLength.rows);
    // The read may fail while the previous page is visited; the later await throws the error.
    reading.catch(() => undefined);
    return reading;
  };
  let next: Promise<Page> | undefined = read();
  while (next !== undefined) {
    const page: Page = await next;
    // The source reads while the target writes. What is written meanwhile may come after these pages without an end: it
    // is for the next time.
    next = page.hasMore ? read(page.last) : undefined;
    if (!(await visit(page))) break;
    await pause();
  }
  // This process must have stopped reading before another may start.
  await next?.catch(() => undefined);
}

/** Merges the facts of a page into a target. Facts that it refuses for good go to the dead letters of the source. */
export async function deliver<Page extends HintPage>(
  source: HintStore<Page>,
  target: DrainTarget,
  page: Page,
): Promise<void> {
  if (page.packed !== undefined && (await target.take?.(page.packed)) === true) return;
  const facts = await page.facts();
  if (facts.rows.length + facts.tombstones.length === 0) return;
  const refused: RefusedAtom[] = [];
  await mergeAround(target.merge, facts, (atom) => refused.push(atom));
  if (refused.length > 0) await source.keepDeadLetters(target.name, refused);
}
