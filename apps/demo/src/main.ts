import { join } from "node:path";
import { MemoryError } from "@rivet/memory-core";
import { Command, Option } from "commander";
import { runDemo, runVerify, runWeb, type DemoOptions } from "./commands.ts";
import { endSecondProcess } from "./second-process.ts";
import { problem } from "./terminal.ts";
import { TranscriptError } from "./transcript.ts";

const program = new Command("pnpm demo")
  .description(
    "Plays a conversation while its three databases fail and recover. With --backend, saves it to that storage, and a second process reads and checks it.",
  )
  .enablePositionalOptions()
  .option(
    "--backend <url>",
    "memory:, sqlite:PATH, postgres://…, supabase: with SUPABASE_URL; sqlite:, postgres: or supabase: alone for a temporary file or temporary servers",
  )
  .option(
    "--transcript <file>",
    "the file with the conversation, as JSON Lines",
    join(import.meta.dirname, "..", "transcripts", "drive-f0002.jsonl"),
  )
  .option("--keep", "keep the SQLite file and print its path", false)
  .addOption(
    new Option(
      "--picture <file>",
      "the file for the picture of the failover, an SVG; default: a file in a new temporary folder",
    ).conflicts("backend"),
  )
  .addOption(
    new Option(
      "--web",
      "show the story on a page, where you stop the servers and talk; a model answers if OPENAI_API_KEY is set, otherwise a script",
    ).conflicts(["backend", "picture"]),
  )
  .action(async ({ web, ...options }: DemoOptions & { web?: true }) => finish(web ? runWeb() : runDemo(options)));

program
  .command("verify", { hidden: true })
  .requiredOption("--backend <url>")
  .requiredOption("--acknowledged <file>")
  .action(async (options: { backend: string; acknowledged: string }) => finish(runVerify(options)));

for (const stream of [process.stdout, process.stderr]) {
  // A reader that stops early, such as `head`, is not an error: the work continues, and the exit code reports its
  // result.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
// The exit codes of a shell: 128 plus the number of the signal. Temporary files are removed on exit.
for (const [signal, exitCode] of [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => void endSecondProcess().finally(() => process.exit(exitCode)));
}

// Paths are relative to the directory of the caller; pnpm itself runs the command in the folder of the app.
process.chdir(process.env["INIT_CWD"] ?? process.cwd());

await program.parseAsync();

/** Ends with the exit code. Errors that the user can fix are printed without a stack. */
async function finish(run: Promise<number>): Promise<void> {
  try {
    process.exitCode = await run;
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    problem(error.message);
    process.exitCode = 1;
  }
}

/** Whether an error is a mistake in the input, or a refusal of the operating system or the storage. */
function isForTheUser(error: unknown): error is Error {
  const isRefused = error instanceof Error && "syscall" in error;
  return isRefused || error instanceof TranscriptError || MemoryError.isInstance(error);
}
