/** Saves turns to sessions at once, without end, and prints the ids of each save once it is acknowledged. */
import { writeSync } from "node:fs";
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";

const sessionIds = process.argv.slice(2);
const storage = new PostgresMemoryStorage();

async function write(sessionId: string): Promise<void> {
  const session = (await storage.loadSession(sessionId, { lastMessages: 1 })) ?? openSession(sessionId);
  for (let turn = 0; ; turn++) {
    const question = session.addUserMessage(`question ${turn}`);
    const answer = session.addAssistantMessage(`answer ${turn} ${"x".repeat(300)}`);
    if (turn % 3 === 0) session.setMetadata("turn", turn);
    await session.save();
    writeSync(1, `${sessionId} ${question.id} ${answer.id}\n`);
  }
}

function openSession(sessionId: string): Session {
  return new Session({ userId: "writer", sessionId, storage });
}

await Promise.all(sessionIds.map(write));
