/** Opens the storage of MEMORY_DB_URL, says how it went, and closes it. */
import { MemoryError } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";

const storage = new PostgresMemoryStorage();
try {
  await storage.open();
  console.log("open");
} catch (error) {
  if (!MemoryError.isInstance(error)) throw error;
  console.log(`${error.code} ${error.message}`);
}
await storage.close();
