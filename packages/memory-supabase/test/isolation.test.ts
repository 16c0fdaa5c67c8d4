import { Session } from "@rivet/memory-core";
import { expect, it } from "vitest";
import { sharedProject, storageForTest } from "./project.ts";

const LEVELS = ["repeatable read", "serializable"] as const;
const project = sharedProject();

it.each(LEVELS)(
  "a project whose default isolation is %s takes every save of twelve writers of one session",
  async (level) => {
    const { server, url, keys, postgrest } = project();
    await server.query(`ALTER ROLE service_role SET default_transaction_isolation = '${level}'`);
    await server.query(`ALTER DATABASE postgres SET default_transaction_isolation = '${level}'`);
    await postgrest.restart();
    const storage = storageForTest({ url, key: keys.secret });
    const sessionId = `shared ${level}`;
    await new Session({ userId: "ada", sessionId, storage }).save();
    const write = async (writer: number): Promise<void> => {
      const own = storageForTest({ url, key: keys.secret });
      const session = await own.loadSession(sessionId);
      for (let save = 0; save < 8; save++) {
        session?.addUserMessage(`${writer} ${save}`);
        await session?.save();
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, writer) => write(writer)));
    expect((await storage.loadSession(sessionId))?.history.length).toBe(96);
  },
);
