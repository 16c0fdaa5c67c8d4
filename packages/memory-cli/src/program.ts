import complete from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { compactCommand } from "./commands/compact.ts";
import { copyCommand } from "./commands/copy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eraseCommand } from "./commands/erase.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { pruneCommand } from "./commands/prune.ts";
import { repairCommand } from "./commands/repair.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { showCommand } from "./commands/show.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import { version } from "./package-version.ts";
import { EXIT, EXIT_CODES_HELP } from "./exit-codes.ts";
import { errorText, withoutAddresses } from "./terminal/error-text.ts";

const URLS_HELP = `
Storages are named by address:
  sqlite:agent.db            a file of this machine
  postgres://user@host/db    a PostgreSQL; PGPASSWORD or the address has the password
  postgres:                  the providers of the environment: NEON_DB_URL, SUPABASE_DB_URL, …
  supabase:                  a project, by SUPABASE_URL and SUPABASE_KEY`;

export function createProgram(): Command {
  const program = new Command("rivet-memory")
    .description("Looks after the memory of AI agents.")
    .version(version())
    .addHelpText("after", `${URLS_HELP}\n${EXIT_CODES_HELP}`)
    .configureOutput({
      outputError: (message, write) => write(usageText(message)),
    })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.fine : EXIT.usage));
  for (const create of [
    doctorCommand,
    migrateCommand,
    sessionsCommand,
    showCommand,
    exportCommand,
    importCommand,
    copyCommand,
    verifyCommand,
    statusCommand,
    repairCommand,
    eraseCommand,
    pruneCommand,
    compactCommand,
  ]) {
    program.addCommand(create().copyInheritedSettings(program));
  }
  // Adds the command `complete`, which prints a completion script for a shell.
  complete(program);
  return program;
}

/** Rewrites an error of the parser, whose text repeats the arguments. */
function usageText(message: string): string {
  const problem = message.replace(/^error: /, "").trim();
  return errorText("invalid_input", withoutAddresses(problem), process.argv.includes("--json"));
}
