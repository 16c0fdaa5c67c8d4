import type { Command } from "commander";
import { defineCommand } from "../command.ts";
import { isFine, type Finding } from "../doctor/finding.ts";
import { isPostgres, schemaOption, type StorageOptions } from "../storage/storage-options.ts";
import { EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/printable.ts";
import { sqliteFile } from "../storage/sqlite-file.ts";
import { usage } from "../usage-error.ts";

const SIGNS = { ok: "✓", unused: "·", warning: "!", problem: "✗" } as const;

export function doctorCommand(): Command {
  return defineCommand<[string | undefined], StorageOptions>({
    usage: "doctor [url]",
    description:
      "Says what is configured, reachable and writable, and what to do about what is not. It changes nothing.",
    examples: [
      ["doctor", "the providers of the environment"],
      ["doctor sqlite:agent.db --json", "exit code 0: all is well; 1: there is something to do"],
    ],
    onInterrupt: "Interrupted. Nothing was changed.",
    usesJournal: true,
    run: async ({ journalPath }, [url = "postgres:"], { schema }) => {
      const findings = await examine(url, { schema, journalPath });
      const isWell = findings.every(isFine);
      return {
        json: { isWell, findings },
        text: findings.map(lineOf).join("\n"),
        exitCode: isWell ? EXIT.fine : EXIT.found,
      };
    },
  });
}

/** The schema in the database, and the journal. */
interface Place {
  readonly schema: string | undefined;
  readonly journalPath: string | undefined;
}

/** Only the backend that is asked for is loaded. */
async function examine(url: string, place: Place): Promise<Finding[]> {
  if (isPostgres(url)) return (await import("../doctor/postgres.ts")).examinePostgres(url, place);
  if (url === "supabase:") return (await import("../doctor/supabase.ts")).examineSupabase(schemaOption(url, place));
  if (!url.startsWith("sqlite:")) throw usage("doctor looks at postgres:, supabase: and sqlite: addresses");
  const { examineSQLite } = await import("../doctor/sqlite.ts");
  return examineSQLite(sqliteFile(url));
}

function lineOf({ level, subject, text, action }: Finding): string {
  const line = `${SIGNS[level]} ${printable(subject)}: ${printable(text)}`;
  return action === undefined ? line : `${line}\n    → ${action}`;
}
