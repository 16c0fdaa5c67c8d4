/** The options that select the facts of a store or an archive. */
import { encodeText, ownerOf, type FactFilter } from "@rivet/memory-core";
import type { Command } from "commander";
import type { Fact } from "./format.ts";

export interface SelectionOptions {
  readonly user?: string;
  /** Commander's name for `--no-deletions`. */
  readonly deletions?: boolean;
  readonly yes?: boolean;
}

export function withSelectionOptions(command: Command): Command {
  return command
    .option("--user <id>", "only what belongs to one user, and what they deleted")
    .option("--no-deletions", "bring atoms alone: nothing of the target is removed")
    .option("--yes", "do it, without a question");
}

export function filterOf({ user, deletions }: SelectionOptions): FactFilter {
  return { userId: user === undefined ? undefined : encodeText(user), deletions };
}

/** Whether a fact is selected. A deletion that names no owner is nobody's alone. */
export function isSelected(fact: Fact, { userId, deletions = true }: FactFilter): boolean {
  if ("row" in fact) return userId === undefined || fact.row.userId === userId;
  return deletions && (userId === undefined || fact.tombstone.owner === ownerOf(userId));
}
