import { testMemoryStorage, type AnyStorage } from "@rivet/memory-conformance";
import { SupabaseMemoryStorage, supabaseMigration, type SupabaseMemoryStorageOptions } from "@rivet/memory-supabase";
import { createClient } from "@supabase/supabase-js";
import { describe, it } from "vitest";
import { sharedProject } from "./project.ts";

/** More than a case has storages. */
const SCHEMAS = ["memory_1", "memory_2", "memory_3", "memory_4"];
const TABLES = ["session_memories", "session_heads", "session_tombstones", "replication_hints"];

// A row cap lower than any page.
const project = sharedProject({ schemas: SCHEMAS, maxRows: 100 }, async (started) => {
  for (const schema of SCHEMAS) await started.apply(supabaseMigration({ schema }));
});

const free = [...SCHEMAS];
const places = new WeakMap<AnyStorage, string>();

function storageAt(schema: string, options?: SupabaseMemoryStorageOptions): AnyStorage {
  const { url, keys } = project();
  const client = createClient(url, keys.secret, { db: { schema } });
  const storage = new SupabaseMemoryStorage({ ...options, client });
  places.set(storage, schema);
  return storage;
}

function placeOf(storage: AnyStorage): string {
  const place = places.get(storage);
  if (place === undefined) throw new Error("not a storage of this test");
  return place;
}

function freeSchema(): string {
  const schema = free.pop();
  if (schema === undefined) throw new Error("no schema is left");
  return schema;
}

testMemoryStorage({
  describe,
  it,
  name: "SupabaseMemoryStorage",
  create: (options) => storageAt(freeSchema(), options),
  connect: (storage) => storageAt(placeOf(storage)),
  reopen: async (storage) => {
    await storage.close();
    return storageAt(placeOf(storage));
  },
  // `jsonb` holds no text that is not JSON.
  damage: async (storage, sessionId, atomId) => {
    const text = '{"half": true}';
    const statement = `UPDATE rivet_${placeOf(storage)}.session_memories SET content = $1 WHERE session_id = $2 AND id = $3`;
    await project().server.query(statement, [text, sessionId, atomId]);
    return text;
  },
  destroy: async (storage) => {
    const schema = placeOf(storage);
    await project().server.query(TABLES.map((table) => `DELETE FROM rivet_${schema}.${table}`).join("; "));
    free.push(schema);
  },
});
