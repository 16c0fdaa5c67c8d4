/**
 * Saves texts of so many units each, at once, and says of each how it went; then prints the ids of the sessions that
 * are there.
 */
import { MemoryError } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path = "", ...lengths] = process.argv.slice(2);
await using storage = await new SQLiteStorage(path).open();
const saves = lengths.map((length) =>
  storage.saveMemoryAtom({ sessionId: length, userId: "u", memoryType: "log", content: "x".repeat(Number(length)) }),
);
for (const outcome of await Promise.allSettled(saves)) {
  const isTyped = outcome.status === "rejected" && MemoryError.isInstance(outcome.reason);
  console.log(isTyped ? outcome.reason.code : outcome.status);
}
for await (const { sessionId } of storage.sessions()) console.log(sessionId);
