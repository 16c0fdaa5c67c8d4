import { sharedServer } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readHeads } from "./stored-heads.ts";
import { scriptLines } from "./writer-process.ts";

const server = sharedServer({ beforeAll, afterAll });

describe("several processes on one database", () => {
  it("create the tables at once, and each finds them ready", { timeout: 120_000 }, async () => {
    const url = await server().createDatabase();
    const answers = await Promise.all(Array.from({ length: 6 }, () => scriptLines(url, "opener.ts")));
    expect(answers.flat()).toEqual(Array.from({ length: 6 }, () => "open"));
    expect(await server().query("SELECT schema_version FROM rivet_store", [], databaseOf(url))).toHaveLength(1);
  });

  it("append to one session and keep everything, in the order of each", { timeout: 120_000 }, async () => {
    const url = await server().createDatabase();
    const names = ["ada", "bob"];
    const turns = 40;
    await Promise.all(names.map((name) => scriptLines(url, "finite-writer.ts", ["shared", name, String(turns)])));

    await using storage = new PostgresMemoryStorage({ connectionString: url });
    const session = await storage.loadSession("shared");
    expect(session?.history.length).toBe(names.length * turns * 2);
    expect(session?.metadata).toEqual({ ada: "40", bob: "40" });
    for (const name of names) {
      const said = session?.history.messages().filter(({ content }) => String(content).startsWith(name));
      const expected = Array.from({ length: turns }, (_, turn) => [
        `${name} asks ${turn}`,
        `${name} is answered ${turn}`,
      ]);
      expect(said?.map(({ content }) => content)).toEqual(expected.flat());
    }
    const { stored, expected } = await readHeads(url);
    expect(stored).toEqual(expected);
  });
});

describe("several storages on one database", () => {
  it("open at once when it is empty, six of them", async () => {
    const url = await server().createDatabase();
    const storages = Array.from({ length: 6 }, () => new PostgresMemoryStorage({ connectionString: url }));
    await Promise.all(storages.map((storage) => storage.open()));
    await Promise.all(storages.map((storage) => storage.close()));
  });

  it("set a metadata key each on one session, twenty of them, and all keys are there", async () => {
    const url = await server().createDatabase();
    await using first = await new PostgresMemoryStorage({ connectionString: url }).open();
    await new Session({ userId: "ada", sessionId: "shared", storage: first }).save();
    const storages = Array.from({ length: 20 }, () => new PostgresMemoryStorage({ connectionString: url }));
    await Promise.all(
      storages.map(async (storage, index) => {
        const session = await storage.loadSession("shared");
        session?.setMetadata(`key ${index}`, index);
        await session?.save();
      }),
    );
    await Promise.all(storages.map((storage) => storage.close()));
    const expected = Object.fromEntries(storages.map((_, index) => [`key ${index}`, index]));
    expect((await first.loadSession("shared"))?.metadata).toEqual(expected);
    expect((await first.listSessions({ userId: "ada" }))[0]?.metadata).toEqual(expected);
  });

  it("take one user's new session from two at once, and refuse the other user's", async () => {
    const url = await server().createDatabase();
    await using left = await new PostgresMemoryStorage({ connectionString: url }).open();
    await using right = await new PostgresMemoryStorage({ connectionString: url }).open();
    for (let round = 0; round < 20; round++) {
      const sessionId = `contested ${round}`;
      const save = (storage: PostgresMemoryStorage, userId: string): Promise<unknown> =>
        new Session({ userId, sessionId, storage, metadata: { by: userId } }).save().catch((error: unknown) => error);
      const results = await Promise.all([save(left, "ada"), save(right, "bob")]);
      const refused = results.filter((result) => MemoryError.isInstance(result));
      expect(refused.map(({ code }) => code)).toEqual(["permission"]);
    }
    const { stored, expected } = await readHeads(url);
    expect(stored).toEqual(expected);
  });
});

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
