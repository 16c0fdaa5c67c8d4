/** Makes a file in new folders under a umask, saves into it, and prints the rights of all of them. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path = "", umask = ""] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
await using storage = new SQLiteStorage(path);
await storage.saveMemoryAtom({ sessionId: "s", userId: "u", memoryType: "log", content: 1 });
for (const file of [dirname(dirname(path)), dirname(path), path, `${path}-wal`, `${path}-shm`])
  console.log((statSync(file).mode & 0o777).toString(8));
