/** Appends so many turns to one session and sets one metadata key, beside other processes that do the same. */
import { Session } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path = "", sessionId = "", name = "", turns = "0"] = process.argv.slice(2);
await using storage = new SQLiteStorage(path, { busyTimeoutMs: 60_000 });
const session = (await storage.loadSession(sessionId)) ?? new Session({ userId: "writer", sessionId, storage });
session.setMetadata(name, turns);
for (let turn = 0; turn < Number(turns); turn++) {
  session.addUserMessage(`${name} asks ${turn}`);
  session.addAssistantMessage(`${name} is answered ${turn}`);
  await session.save();
}
