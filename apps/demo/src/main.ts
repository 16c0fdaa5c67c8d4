import { join } from "node:path";
import { MemoryError } from "@rivet/memory-core";
import { Command } from "commander";
import { runDemo, runVerify, type DemoOptions } from "./commands.ts";
import { problem } from "./terminal.ts";
import { TranscriptError } from "./transcript.ts";

const program = new Command("pnpm demo")
  .description("Replays a conversation into a storage; then a second process reads it back and checks it.")
  .enablePositionalOptions()
  .option("--backend <url>", "memory: or sqlite:PATH (default: a SQLite file that is removed afterwards)")
  .option(
    "--transcript <file>",
    "the conversation, as JSON Lines",
    join(import.meta.dirname, "..", "transcripts", "drive-f0002.jsonl"),
  )
  .option("--keep", "keep the SQLite file and print its path", false)
  .action(async (options: DemoOptions) => finish(runDemo(options)));

program
  .command("verify", { hidden: true })
  .requiredOption("--backend <url>")
  .requiredOption("--acknowledged <file>")
  .action(async (options: { backend: string; acknowledged: string }) => finish(runVerify(options)));

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

await program.parseAsync();

/** Ends with the exit code; what the user can mend is told without a stack. */
async function finish(run: Promise<number>): Promise<void> {
  try {
    process.exitCode = await run;
  } catch (error) {
    if (!(error instanceof TranscriptError) && !MemoryError.isInstance(error)) throw error;
    problem(error.message);
    process.exitCode = 1;
  }
}
