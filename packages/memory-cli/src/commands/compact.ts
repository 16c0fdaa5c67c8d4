import { stat } from "node:fs/promises";
import type { MemoryStorage } from "@rivet/memory-core";
import type { SQLiteStorage } from "@rivet/memory-sqlite";
import type { Command } from "commander";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { isSQLite, sqliteFile } from "../storage/sqlite-file.ts";
import { usage } from "../usage-error.ts";

export function compactCommand(): Command {
  return defineCommand<[string]>({
    usage: "compact <url>",
    description:
      "Rewrites a SQLite file of any size without the room that nothing uses, so that no byte of what was erased is left in it or in its log.",
    examples: [
      ["compact sqlite:agent.db", "exit code 0: nothing is left; 1: another process reads the file"],
      ["compact sqlite:data/local.db", "the local journal of an agent that uses PostgreSQL"],
    ],
    onInterrupt: "Interrupted. The file is as it was.",
    run: async ({ openToChange }, [url]) => {
      if (!isSQLite(url)) throw notSQLite();
      const path = sqliteFile(url);
      const storage = await openToChange(url);
      if (!isCompactable(storage)) throw notSQLite();
      const bytesBefore = await sizeOf(path);
      const residue = await storage.compact();
      const bytesAfter = await sizeOf(path);
      return {
        json: { bytesBefore, bytesAfter, residue },
        text: [`${path} had ${bytesBefore} bytes, and has ${bytesAfter}.`, ...residue.map(({ until }) => until)].join(
          "\n",
        ),
        exitCode: residue.length === 0 ? EXIT.fine : EXIT.found,
      };
    },
  });
}

function notSQLite(): Error {
  return usage(
    "compact is for sqlite: addresses; PostgreSQL is compacted by VACUUM FULL of its tables, which its owner runs when nobody writes",
  );
}

async function sizeOf(path: string): Promise<number> {
  return path === ":memory:" ? 0 : (await stat(path)).size;
}

/** By what it has, so that the package is loaded only where it is used. */
function isCompactable(storage: MemoryStorage): storage is SQLiteStorage {
  return "compact" in storage;
}
