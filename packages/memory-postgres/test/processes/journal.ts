/**
 * Saves a session while its database is away, says who took it, and waits to be killed. Argument: the journal's path.
 */
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { Session } from "@rivet/memory-core";

const [path = ""] = process.argv.slice(2);
const storage = await new PostgresMemoryStorage({ local: path }).open();
const session = new Session({ userId: "ada", storage });
session.addUserMessage("left behind");
const { acceptedBy } = await session.save();
console.log(`${session.sessionId} ${acceptedBy.join()}`);
setInterval(() => undefined, 60_000);
