import { MemoryError, reconcile, type OptionFields, type RefusedAtom, type Replica } from "@rivet/memory-core";

export interface RepairOptions {
  /** The names of the providers to compare. Default: all reachable ones. */
  providers?: readonly string[];
  onProgress?: (progress: RepairProgress) => void;
  /** Aborts the repair between two steps; a repeated repair continues there. */
  signal?: AbortSignal;
}

export const REPAIR_FIELDS: OptionFields<RepairOptions> = {
  providers: "guard",
  onProgress: "setting",
  signal: "setting",
};

/** The counts so far. */
export interface RepairProgress {
  /** Sessions in which two providers differed. */
  readonly compared: number;
  /** Atoms that were copied. */
  readonly copied: number;
  /** Atoms that another provider had deleted. */
  readonly removed: number;
}

export interface RepairReport extends RepairProgress {
  /** The providers that are equal now, but for what is refused. */
  readonly providers: readonly string[];
  /** Providers that could not be reached: repair again when they are back. */
  readonly skipped: readonly string[];
  /** Atoms that a provider refuses for good. */
  readonly refused: number;
}

/**
 * Makes replicas equal: each receives the atoms of all others, and a deletion of one applies to all.
 *
 * @param onRefused called with each atom that a replica refuses for good.
 */
export async function repair(
  replicas: readonly Replica[],
  { onProgress, signal }: Pick<RepairOptions, "onProgress" | "signal">,
  onRefused: (store: string, refused: RefusedAtom) => Promise<void>,
): Promise<RepairProgress & { readonly refused: number }> {
  const [base, ...others] = replicas;
  const done: { sessions: number; copied: number; removed: number }[] = [];
  const letters: Promise<void>[] = [];
  const total = (now?: { sessions: number; copied: number; removed: number }): RepairProgress => {
    const all = now === undefined ? done : [...done, now];
    const sum = (count: (one: (typeof done)[number]) => number): number =>
      all.reduce((left, one) => left + count(one), 0);
    return {
      compared: sum((one) => one.sessions),
      copied: sum((one) => one.copied),
      removed: sum((one) => one.removed),
    };
  };
  const bring = async (one: Replica, other: Replica, isBothWays: boolean): Promise<void> => {
    const progress = await reconcile(one, other, {
      isBothWays,
      signal,
      onProgress: (now) => onProgress?.(total(now)),
      onRefused: (store, refused) => letters.push(onRefused(store, refused)),
    });
    done.push(progress);
  };
  if (base !== undefined) {
    // The first gathers what any has; then all but the last, who has it already, get what came after their turn.
    for (const other of others) await bring(base, other, true);
    for (const other of others.slice(0, -1)) await bring(base, other, false);
  }
  await Promise.all(letters);
  return { ...total(), refused: letters.length };
}

/** @throws {MemoryError} `invalid_input` for an unknown name. */
export function assertProviders(names: readonly string[], known: readonly string[]): void {
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  throw new MemoryError({
    code: "invalid_input",
    message: `options.providers contains an unknown provider; expected some of ${known.join(", ")}`,
    path: "options.providers",
    operation: "repair",
    backend: "postgres",
  });
}
