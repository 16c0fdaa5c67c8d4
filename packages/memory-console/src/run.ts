import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { MemoryError, openStorage, sqlitePath, type OpenStorageOptions } from "@rivet/memory-core";
import { Command, InvalidArgumentError } from "commander";
import { backendsOf } from "./backends.ts";
import { labelOf } from "./label.ts";
import { startConsole } from "./start.ts";

interface Options {
  readonly write: boolean;
  readonly port: number;
}

const program = new Command("rivet-memory-console")
  .description(
    "Shows what an agent remembers on a page of this machine: sessions, messages, atoms, and the health of the providers.",
  )
  .argument("<url>", "sqlite:PATH, postgres://…, or postgres: and supabase: for what the environment names")
  .option("--write", "let the page delete sessions, erase users and repair providers; it asks before each", false)
  .option("--port <port>", "where the page is; 0 for a free one", parsePort, 0)
  .action(show);

await program.parseAsync();

async function show(url: string, options: Options): Promise<void> {
  try {
    assertFileExists(url);
    const storage = await openStorage(url, storageOptions(url, options));
    const shown = await startConsole({ storage, label: labelOf(url), ...options });
    // Before the address is printed: whoever reads it may end this at once.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => void shown.close().then(() => storage.close()));
    }
    console.log(`The console is at ${shown.url}`);
    console.log(
      options.write ? "It may change what is stored." : "It only reads; --write lets it delete, erase and repair.",
    );
    console.log("Whoever has that address can read everything. Ctrl+C ends it.");
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    console.error(`rivet-memory-console: ${error.message}`);
    process.exitCode = 1;
  }
}

/** An application makes its file; whoever looks for one that is not there has mistyped its name. */
function assertFileExists(url: string): void {
  const path = url.startsWith("sqlite:") ? sqlitePath(url, homedir) : undefined;
  if (path === undefined || path === ":memory:" || existsSync(path)) return;
  const message = `there is no file ${JSON.stringify(path)}; expected the path of a database that an application has made`;
  throw new MemoryError({ code: "not_found", message });
}

/** The options of the storage. A console that only reads creates and migrates no tables. */
function storageOptions(url: string, { write }: Options): OpenStorageOptions & { migrate?: boolean } {
  const look = /^postgres(ql)?:/.test(url) ? { migrate: write } : {};
  return { ...look, backends: backendsOf(process.cwd()) };
}

/** An error of the storage or of the operating system. */
function isForTheUser(error: unknown): error is Error {
  return MemoryError.isInstance(error) || (error instanceof Error && "syscall" in error);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
}
