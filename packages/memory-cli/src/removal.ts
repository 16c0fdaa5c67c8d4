/** The consent that a command needs before it removes what cannot be brought back. */
import type { Command } from "commander";
import type { Context, Outcome } from "./command.ts";
import { usage } from "./usage-error.ts";

export interface RemovalOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function withRemovalOptions(command: Command): Command {
  return command
    .option("--dry-run", "count what would go, and change nothing")
    .option("--yes", "do it, without a question");
}

interface Removal {
  /** The command, as the user calls it. */
  readonly name: string;
  readonly count: () => Promise<Outcome>;
  readonly remove: () => Promise<Outcome>;
}

/**
 * Counts with `--dry-run` and removes with `--yes`. With neither it counts and asks where there is a terminal.
 *
 * @throws {MemoryError} `invalid_input` where neither option is given and nobody can be asked.
 */
export async function removeWithConsent(
  { confirm }: Context,
  { dryRun = false, yes = false }: RemovalOptions,
  { name, count, remove }: Removal,
): Promise<Outcome> {
  if (dryRun) return count();
  if (yes) return remove();
  if (confirm === undefined) throw usage(`${name} cannot be undone: look with --dry-run, then say --yes`);
  const { text } = await count();
  if (await confirm(`${text}\nGo on? It cannot be undone.`)) return remove();
  return { json: undefined, text: "Nothing was changed." };
}
