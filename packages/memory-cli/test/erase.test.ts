import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseManager } from "@rivet/db-manager";
import { sharedServer, startProxy } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

describe("erase, while writers write,", () => {
  it(
    "leaves nothing of the user at any provider, nor in the journal, and of others everything",
    { timeout: 120_000 },
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
      for (const name of ["neon", "supabase", "railway"]) {
        const waiting = await file.journal.pending(name, undefined, 1_000);
        expect(waiting.filter(({ userId }) => userId === "ada")).toEqual([]);
      }
      await rm(folder, { recursive: true, force: true });
    },
  );
});

describe("erase, of what waits in the local journal,", () => {
  it("counts it with --dry-run and leaves it there, then erases it, so that nothing brings it back", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-erase-journal-"));
    const url = await server().createDatabase();
    await using proxy = await startProxy(server());
    const environment = { DATABASE_URL: proxy.url(url), LOCAL_DB_PATH: join(folder, "journal.db") };
    const atoms = async (): Promise<unknown> => {
      const count = "SELECT user_id, count(*)::integer AS atoms FROM session_memories GROUP BY 1";
      return server().query(count, [], new URL(url).pathname.slice(1));
    };
    {
      await using db = DatabaseManager.fromEnv(environment);
      await using storage = new PostgresMemoryStorage({ db });
      await storage.open();
      proxy.setMode("refuse");
      for (const userId of ["ada", "bob"]) {
        const log = { sessionId: `of ${userId}`, userId, memoryType: "log" };
        await storage.saveMemoryAtoms(Array.from({ length: 1_200 }, (_, content) => ({ ...log, content })));
      }
    }
    proxy.setMode("pass");
    const counted = await rivetMemory(["erase", "postgres:", "--user", "ada", "--dry-run", "--json"], environment);
    expect(JSON.parse(counted.stdout)).toEqual({ isDryRun: true, sessions: 0, atoms: 0, journaled: 1_200 });
    expect(await atoms()).toEqual([]);
    const erased = await rivetMemory(["erase", "postgres:", "--user", "ada", "--yes", "--json"], environment);
    expect(JSON.parse(erased.stdout)).toMatchObject({ sessions: 1, atoms: 1_200, pending: [] });
    await rivetMemory(["repair"], environment);
    expect(await atoms()).toEqual([{ user_id: "bob", atoms: 1_200 }]);
    await rm(folder, { recursive: true, force: true });
  });
});

interface Writer {
  /** The number of acknowledged messages, or the code of the error that ended the writer. */
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
