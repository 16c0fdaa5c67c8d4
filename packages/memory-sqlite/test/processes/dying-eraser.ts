/** Erases a user, and is gone before anything of the file is rewritten. */
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path = "", userId = ""] = process.argv.slice(2);
const storage = new SQLiteStorage(path, { maxCompactionBytes: 0 });
await storage.deleteUser(userId);
process.kill(process.pid, "SIGKILL");
