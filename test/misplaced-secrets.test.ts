import { inspect } from "node:util";
import { DatabaseManager } from "@rivet/db-manager";
import { MemoryError, openStorage, Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { describe, expect, it } from "vitest";

const PIECE = "Geheim";
const connectionString = "postgres://ada:secret@127.0.0.1:1/app";
const inMemory = new InMemoryStorage();

/** Calls as JavaScript lets people write them, each with a secret where something else belongs. */
const misplaced: Readonly<Record<string, (secret: never) => unknown>> = {
  "new Session": (secret) => new Session(secret),
  "the options of new Session": (secret) => new Session({ userId: "ada", metadata: secret }),
  "new InMemoryStorage": (secret) => new InMemoryStorage(secret),
  "the options of new SQLiteStorage": (secret) => new SQLiteStorage(":memory:", secret),
  "new SupabaseMemoryStorage": (secret) => new SupabaseMemoryStorage(secret),
  "the url of new SupabaseMemoryStorage": (secret) => new SupabaseMemoryStorage({ url: secret, key: secret }),
  "the local replica of new PostgresMemoryStorage": (secret) =>
    new PostgresMemoryStorage({ connectionString, localReplica: secret }),
  "the replication of new PostgresMemoryStorage": (secret) =>
    new PostgresMemoryStorage({ connectionString, replication: secret }),
  "an address of another database": (secret) => new DatabaseManager(`mysql:${String(secret)}`),
  "the name of a provider": (secret) =>
    new DatabaseManager({ providers: [{ name: `${String(secret)} ?`, connectionString }] }),
  "the pool of a provider": (secret) =>
    new DatabaseManager({ providers: [{ name: "a", connectionString, poolSize: secret }] }),
  "the preferred provider": (secret) =>
    new DatabaseManager({ providers: [{ name: "a", connectionString }], primary: secret }),
  DATABASE_PROVIDER: (secret) => DatabaseManager.fromEnv({ NEON_DB_URL: connectionString, DATABASE_PROVIDER: secret }),
  DATABASE_FAILOVER_ENABLED: (secret) =>
    DatabaseManager.fromEnv({ NEON_DB_URL: connectionString, DATABASE_FAILOVER_ENABLED: secret }),
  "the options of openStorage": (secret) => openStorage("memory:", secret),
  "the scheme of openStorage": (secret) => openStorage(`geheim:${String(secret)}`),
  "a limit": (secret) => inMemory.listSessions({ limit: secret }),
  "the id of an atom": (secret) => inMemory.queryMemoryAtoms({ before: secret }),
  "a guard": (secret) => inMemory.loadSession("s", secret),
};

const SECRETS = [`postgres://ada:${PIECE}@db.example.com/app`, `sb_secret_${PIECE}`, PIECE];

async function thrownBy(call: (secret: never) => unknown, secret: string): Promise<unknown> {
  try {
    await call(secret as never);
  } catch (error) {
    return error;
  }
  throw new Error("the call succeeded");
}

describe("a secret where something else belongs", () => {
  it.each(Object.keys(misplaced))("given as %s is refused, and in no part of the error", async (name) => {
    const call = misplaced[name] ?? (() => undefined);
    for (const secret of SECRETS) {
      const error = await thrownBy(call, secret);
      expect(error).toMatchObject({ code: "invalid_input" });
      expect(inspect(error, { depth: 10, showHidden: true }).toLowerCase()).not.toContain(PIECE.toLowerCase());
    }
  });

  it("given as the argument of new PostgresMemoryStorage is an address, or refused without being shown", async () => {
    const storage = new PostgresMemoryStorage(connectionString);
    expect(storage.db.getProviderStats()["postgres"]?.host).toBe("127.0.0.1:1");
    await storage.close();
    const error = await thrownBy((secret) => new PostgresMemoryStorage(secret), PIECE);
    expect(MemoryError.isInstance(error) && error.code).toBe("invalid_input");
    expect(inspect(error)).not.toContain(PIECE);
  });
});
