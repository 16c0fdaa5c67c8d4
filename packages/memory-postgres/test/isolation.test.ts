import { sharedServer } from "@rivet/local-servers";
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isolatedDatabase } from "./isolated-database.ts";

const server = sharedServer({ beforeAll, afterAll });
const WRITERS = 12;
const SAVES = 20;

describe.each(["repeatable read", "serializable"])("a database whose default isolation is %s", (level) => {
  it("is opened by several storages at once while it is empty, and all of them are ready", async () => {
    const connectionString = server().url(await isolatedDatabase(server(), level));
    const storages = Array.from({ length: 6 }, () => new PostgresMemoryStorage({ connectionString }));
    await Promise.all(storages.map((storage) => storage.open()));
    await Promise.all(storages.map((storage) => storage.close()));
  });

  it("takes every save of twelve writers of one session", async () => {
    const connectionString = server().url(await isolatedDatabase(server(), level));
    await using first = await new PostgresMemoryStorage({ connectionString }).open();
    await new Session({ userId: "ada", sessionId: "shared", storage: first }).save();
    const write = async (writer: number): Promise<void> => {
      await using storage = new PostgresMemoryStorage({ connectionString });
      const session = await storage.loadSession("shared");
      for (let save = 0; save < SAVES; save++) {
        session?.addUserMessage(`${writer} ${save}`);
        await session?.save();
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    expect((await first.loadSession("shared"))?.history.length).toBe(WRITERS * SAVES);
  });
});
