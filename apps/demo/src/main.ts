import { join } from "node:path";
import { MemoryError } from "@rivet/memory-core";
import { Command, Option } from "commander";
import { runDemo, runVerify, runWeb, type DemoOptions } from "./commands.ts";
import { endSecondProcess } from "./second-process.ts";
import { problem } from "./terminal.ts";
import { TranscriptError } from "./transcript.ts";

const program = new Command("pnpm demo")
  .description(
    "Plays a conversation while its three databases die and come back; with --backend, into a storage from which a second process reads it back and checks it.",
  )
  .enablePositionalOptions()
  .option(
    "--backend <url>",
    "memory:, sqlite:PATH, postgres://…, supabase: with SUPABASE_URL; sqlite:, postgres: or supabase: alone for a file or servers of the demo's own, which are removed afterwards",
  )
  .option(
    "--transcript <file>",
    "the conversation, as JSON Lines",
    join(import.meta.dirname, "..", "transcripts", "drive-f0002.jsonl"),
  )
  .option("--keep", "keep the SQLite file and print its path", false)
  .addOption(
    new Option(
      "--picture <file>",
      "where the picture of the failover goes, an SVG; default: a new folder under the system's temporary one",
    ).conflicts("backend"),
  )
  .addOption(
    new Option(
      "--web",
      "the story on a page, where you stop the servers and talk; a model answers when OPENAI_API_KEY is set, a script otherwise",
    ).conflicts(["backend", "picture"]),
  )
  .action(async ({ web, ...options }: DemoOptions & { web?: true }) => finish(web ? runWeb() : runDemo(options)));

program
  .command("verify", { hidden: true })
  .requiredOption("--backend <url>")
  .requiredOption("--acknowledged <file>")
  .action(async (options: { backend: string; acknowledged: string }) => finish(runVerify(options)));

for (const stream of [process.stdout, process.stderr]) {
  // A reader that has seen enough, such as `head`, is no failure: the work goes on, and the exit code says how it ends.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
// As a shell tells it: 128 and the number of the signal. What is temporary is removed on exit.
for (const [signal, exitCode] of [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => void endSecondProcess().finally(() => process.exit(exitCode)));
}

// Paths are relative to where the command was called: pnpm itself runs it in the folder of the app.
process.chdir(process.env["INIT_CWD"] ?? process.cwd());

await program.parseAsync();

/** Ends with the exit code; what the user can mend is told without a stack. */
async function finish(run: Promise<number>): Promise<void> {
  try {
    process.exitCode = await run;
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    problem(error.message);
    process.exitCode = 1;
  }
}

/** A mistake in the input, or something that the operating system or the storage refused. */
function isForTheUser(error: unknown): error is Error {
  const isRefused = error instanceof Error && "syscall" in error;
  return isRefused || error instanceof TranscriptError || MemoryError.isInstance(error);
}
