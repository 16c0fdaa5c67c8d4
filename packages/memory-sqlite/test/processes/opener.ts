/** Opens the file, says how it went, and closes it. */
import { MemoryError } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";

const [path = ""] = process.argv.slice(2);
const storage = new SQLiteStorage(path, { busyTimeoutMs: 60_000 });
try {
  await storage.open();
  console.log("open");
} catch (error) {
  if (!MemoryError.isInstance(error)) throw error;
  console.log(`${error.code} ${error.message}`);
}
await storage.close();
