/** The one shape of all commands: what a command did, said for people and for programs. */
import { existsSync } from "node:fs";
import { MemoryError, openStorage, type MemoryStorage } from "@rivet/memory-core";
import { Command } from "commander";
import { parseFile } from "./arguments.ts";
import { BACKENDS } from "./storage/backends.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import {
  assertUsed,
  journalOption,
  lookOptions,
  namedJournal,
  schemaOption,
  type StorageOptions,
} from "./storage/storage-options.ts";
import { confirm } from "./terminal/confirm.ts";
import { isSQLite, sqliteFile } from "./storage/sqlite-file.ts";
import { errorText, withoutAddresses, withoutCredentials } from "./terminal/error-text.ts";
import { printableJson } from "./terminal/printable.ts";
import { startProgress, type Progress, type ProgressOptions } from "./terminal/progress.ts";

/** The result of a command. */
export interface Outcome {
  /** For `--json`: one document. Undefined where stdout holds something else. */
  readonly json: unknown;
  /** For people. */
  readonly text: string;
  /** Default: 0. */
  readonly exitCode?: number;
}

/** The services that a command uses. */
export interface Context {
  /** Aborted by Ctrl-C: what is under way ends cleanly. */
  readonly signal: AbortSignal;
  /** Whether anybody sees the progress: what it alone needs is not to be found out otherwise. */
  readonly showsProgress: boolean;
  startProgress(options: ProgressOptions): Progress;
  /** The local journal that the user named; undefined when none was. */
  readonly journalPath: string | undefined;
  /** Asks the user on the terminal. Undefined where there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /**
   * Opens a storage that is there, to look at it, and closes it when the command ends. It makes no tables, and takes
   * nothing out of the journal.
   *
   * @param replication `all` for what is to be known of replication, which then goes on meanwhile. Default: `off`.
   * @throws {MemoryError} `not_found` for a SQLite file that is not there: a misspelt path makes no new file. `schema`
   *   for tables that are not there, or older.
   */
  open(url: string, replication?: "off" | "all"): Promise<MemoryStorage>;
  /**
   * The same, to change what it holds: its tables are brought up to date, and the atoms of a named journal are
   * delivered.
   */
  openToChange(url: string): Promise<MemoryStorage>;
  /** The same, for one that may be new. */
  openOrCreate(url: string): Promise<MemoryStorage>;
}

/** Options that every command has. */
interface CommonOptions extends StorageOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface CommandDescription<Arguments extends readonly unknown[], Options> {
  /** The arguments, such as `copy <from> <to>`. */
  readonly usage: string;
  readonly description: string;
  /** Command lines, without `rivet-memory`, and what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Adds options. */
  readonly configure?: (command: Command) => Command;
  /** Whether it delivers, or looks into, the local journal of PostgreSQL's providers. Default: false. */
  readonly usesJournal?: boolean;
  /** The text after Ctrl-C. Default: that running the command again is safe. */
  readonly onInterrupt?: string;
  readonly run: (context: Context, arguments_: Arguments, options: Options) => Promise<Outcome>;
}

/** The arguments of commands that are addresses of storages. */
const ADDRESSES: ReadonlySet<string> = new Set(["url", "from", "to", "a", "b"]);

const SAFE_TO_REPEAT = "Interrupted. What was done is done; run the same command again to go on from there.";

/** Makes the command of a description, with all that commands have alike. */
export function defineCommand<Arguments extends readonly unknown[], Options = {}>(
  description: CommandDescription<Arguments, Options>,
): Command {
  const { usage, examples, configure, run, usesJournal = false, onInterrupt = SAFE_TO_REPEAT } = description;
  const command = new Command(usage.split(" ", 1)[0])
    .description(description.description)
    .option("--json", "print one JSON document")
    .option("--quiet", "show no progress")
    .option("--schema <name>", "the schema of the tables, in PostgreSQL and Supabase")
    .addHelpText(
      "after",
      `\nExamples:\n${examples.map(([line, does]) => `  $ rivet-memory ${line}\n      ${does}`).join("\n")}`,
    );
  for (const argument of usage.split(" ").slice(1)) {
    if (/^[<[]file[>\]]$/.test(argument)) command.argument(argument, "", parseFile);
    else command.argument(argument);
  }
  if (usesJournal)
    command.option(
      "--journal <file>",
      "the local journal of PostgreSQL's providers; default: LOCAL_DB_PATH",
      parseFile,
    );
  configure?.(command);
  return command.action(async (...given: unknown[]) => {
    const options = given.at(-2) as Options & CommonOptions;
    const values = given.slice(0, -2);
    const urls = command.registeredArguments.flatMap((argument, index) => {
      const value = values[index];
      return ADDRESSES.has(argument.name()) && typeof value === "string" ? [value] : [];
    });
    process.exitCode = await perform(
      async (context) => {
        assertUsed(options, urls);
        return run(context, values as unknown as Arguments, options);
      },
      options,
      onInterrupt,
    );
  });
}

async function perform(
  run: (context: Context) => Promise<Outcome>,
  options: CommonOptions,
  onInterrupt: string,
): Promise<number> {
  const { json = false, quiet = false } = options;
  const journalPath = namedJournal(options, process.env);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  // What waits in the background of a storage keeps no process alive, also where a command waits for it.
  const alive = setInterval(() => {}, 60_000);
  const storages: MemoryStorage[] = [];
  const running: Progress[] = [];
  const openAndKeep = async (url: string, more: Readonly<Record<string, unknown>>): Promise<MemoryStorage> => {
    const place: Readonly<Record<string, unknown>> = { ...schemaOption(url, options), ...more };
    const storage = await openStorage(url, { ...place, backends: BACKENDS });
    storages.push(storage);
    return storage;
  };
  try {
    const {
      json: document,
      text,
      exitCode = EXIT.fine,
    } = await run({
      signal: interruption.signal,
      showsProgress: !quiet && !json,
      startProgress: (options) => {
        const progress = startProgress(options, quiet || json);
        running.push(progress);
        return progress;
      },
      journalPath,
      confirm:
        !json && process.stdin.isTTY && process.stderr.isTTY
          ? (question) => confirm(question, interruption.signal)
          : undefined,
      open: async (url, replication = "off") => {
        assertExists(url);
        return openAndKeep(url, lookOptions(url, replication));
      },
      openToChange: async (url) => {
        assertExists(url);
        return openAndKeep(url, journalOption(url, journalPath));
      },
      openOrCreate: (url) => openAndKeep(url, journalOption(url, journalPath)),
    });
    for (const progress of running) progress.stop();
    const told = json ? printableJson(document) : text;
    if (told !== "") process.stdout.write(`${told}\n`);
    return exitCode;
  } catch (error) {
    for (const progress of running) progress.stop();
    if (interruption.signal.aborted) {
      process.stderr.write(json ? errorText("interrupted", onInterrupt, json) : `${onInterrupt}\n`);
      return EXIT.interrupted;
    }
    tell(error, json);
    return exitCodeOf(error);
  } finally {
    process.removeListener("SIGINT", interrupt).removeListener("SIGTERM", interrupt);
    await Promise.all(storages.map((storage) => storage.close()));
    clearInterval(alive);
  }
}

function assertExists(url: string): void {
  if (!isSQLite(url)) return;
  const path = sqliteFile(url);
  if (path === ":memory:" || existsSync(path)) return;
  throw new MemoryError({ code: "not_found", message: `there is no file ${path}`, operation: "open" });
}

/** Errors of ours say what to do; others may repeat a whole address. */
function tell(error: unknown, isJson: boolean): void {
  const [code, message] = MemoryError.isInstance(error)
    ? [error.code, withoutCredentials(error.message)]
    : [
        "unknown",
        error instanceof Error
          ? withoutAddresses(`${error.name}: ${error.message}`)
          : "something that is no error was thrown",
      ];
  process.stderr.write(errorText(code, message, isJson));
}
