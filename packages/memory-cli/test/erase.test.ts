import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseManager } from "@rivet/db-manager";
import { sharedServer } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

describe("erase, while writers write,", () => {
  it(
    "leaves nothing of the user at any provider, nor in the journal, and of others everything",
    { timeout: 60_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "rivet-erase-"));
      const journal = join(folder, "journal.db");
      const environment = {
        NEON_DB_URL: await server().createDatabase(),
        SUPABASE_DB_URL: await server().createDatabase(),
        RAILWAY_DB_URL: await server().createDatabase(),
        LOCAL_DB_PATH: journal,
      };
      const db = DatabaseManager.fromEnv(environment);
      const storage = new PostgresMemoryStorage({ db });
      const sessions = await Promise.all(
        ["ada", "ada", "bob"].map(async (userId, index) => {
          const session = new Session({ userId, sessionId: `${userId} ${index}`, storage });
          session.addUserMessage("hello");
          await session.save();
          return session;
        }),
      );
      const writers = sessions.map(saveUntilRefused);
      const run = await rivetMemory(["erase", "postgres:", "--user", "ada", "--yes", "--json"], environment);
      expect(run, run.stderr).toMatchObject({ exitCode: 0 });
      const receipt = JSON.parse(run.stdout);
      expect(receipt).toMatchObject({ sessions: 2, pending: [] });
      expect(receipt.erasedFrom.toSorted()).toEqual(["neon", "railway", "supabase"]);
      // Ada's writers end by themselves: their sessions are gone.
      expect(await Promise.all([writers[0]?.ended, writers[1]?.ended])).toEqual(["not_found", "not_found"]);
      writers[2]?.stop();
      const written = Number(await writers[2]?.ended);
      await storage.repair();
      await storage.close();
      await db.close();
      for (const name of ["NEON_DB_URL", "SUPABASE_DB_URL", "RAILWAY_DB_URL"] as const) {
        const rows = await server().query(
          `SELECT user_id, count(*) FILTER (WHERE memory_type = 'message_user')::integer AS messages
         FROM session_memories GROUP BY 1`,
          [],
          new URL(environment[name]).pathname.slice(1),
        );
        expect(rows, name).toEqual([{ user_id: "bob", messages: written + 1 }]);
      }
      await using file = new SQLiteStorage(journal);
      expect(await file.queryMemoryAtoms({ userId: "ada" })).toEqual([]);
      await rm(folder, { recursive: true, force: true });
    },
  );
});

interface Writer {
  /** How many messages were acknowledged, or the code of the error that ended it. */
  readonly ended: Promise<number | string>;
  stop(): void;
}

function saveUntilRefused(session: Session): Writer {
  let isStopped = false;
  const write = async (): Promise<number | string> => {
    let written = 0;
    for (; !isStopped; written++) {
      session.addUserMessage(`message ${written}`);
      try {
        await session.save();
      } catch (error) {
        if (MemoryError.isInstance(error)) return error.code;
        throw error;
      }
    }
    return written;
  };
  return { ended: write(), stop: () => void (isStopped = true) };
}
