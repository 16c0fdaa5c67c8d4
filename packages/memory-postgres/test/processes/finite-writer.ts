/** Appends so many turns to one session and sets one metadata key, beside other processes that do the same. */
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";

const [sessionId = "", name = "", turns = "0"] = process.argv.slice(2);
await using storage = new PostgresMemoryStorage();
const session = (await storage.loadSession(sessionId)) ?? new Session({ userId: "writer", sessionId, storage });
session.setMetadata(name, turns);
for (let turn = 0; turn < Number(turns); turn++) {
  session.addUserMessage(`${name} asks ${turn}`);
  session.addAssistantMessage(`${name} is answered ${turn}`);
  await session.save();
}
