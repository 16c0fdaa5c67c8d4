/** The results of a run: the content of `--json`, and the source of tables, charts and bars. */
import type { Install } from "../install/installs.ts";
import type { Measure } from "../measure.ts";
import type { FamilyName } from "./family-name.ts";
import type { Spread } from "./statistics.ts";

export interface Entry extends Partial<Spread> {
  readonly family: FamilyName;
  /** Of the work, such as `save-first`. */
  readonly work: string;
  /** Of the contender, such as `rivet`. */
  readonly contender: string;
  /** Why there is no figure, where there is none. */
  readonly reason?: string;
}

export interface Results {
  readonly takenAt: string;
  readonly command: string;
  readonly isQuick: boolean;
  /** Of each figure: it is the median of so many. */
  readonly rounds: number;
  readonly machine: string;
  /** Of what was measured, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly entries: readonly Entry[];
  /** The packages that are installed with each. */
  readonly installs: readonly Install[];
  /** Ours beside hand-written code in one process. */
  readonly measures: readonly Measure[];
}

/** The figure of a contender at a work; undefined where it has none. */
export function figureOf(
  entries: readonly Entry[],
  family: FamilyName,
  work: string,
  contender: string,
): number | undefined {
  return entries.find((entry) => entry.family === family && entry.work === work && entry.contender === contender)
    ?.median;
}
