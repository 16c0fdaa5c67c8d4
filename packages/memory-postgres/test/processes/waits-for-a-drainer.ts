/**
 * Erases a user while another process is the one to bring what the other provider lacks, closes its storage, and says
 * that it is closed. It waits for that process without a statement of its own.
 */
import { writeSync } from "node:fs";
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";

const LEASE = `
  UPDATE public.rivet_store SET drainer = pg_catalog.gen_random_uuid(),
    drainer_until = pg_catalog.clock_timestamp() + '1 second'::interval`;

const storage = await new PostgresMemoryStorage().open();
await storage.db.query(LEASE, [], { providers: [storage.db.preferred] });
const session = new Session({ userId: "ada", storage });
session.addUserMessage("one");
await session.save();
await storage.deleteUser("ada");
await storage.close();
writeSync(1, "closed\n");
