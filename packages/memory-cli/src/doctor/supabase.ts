/** Checks a Supabase project without changing anything. */
import { MemoryError } from "@rivet/memory-core";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { ok, problem, type Finding } from "./finding.ts";
import { examineIdsByReader } from "./ids-ahead.ts";

const TOPICS: Readonly<Partial<Record<string, readonly [topic: string, action: string]>>> = {
  invalid_input: ["configuration", "set SUPABASE_URL and SUPABASE_KEY"],
  schema: ["schema", "apply the migration: rivet-memory migrate supabase: --print > supabase/migrations/…_memory.sql"],
  permission: ["permission", "check the key, and whom it stands for"],
  timeout: ["silent", "check the network, and whether the project is paused"],
};

export async function examineSupabase(options: { readonly schema?: string }): Promise<Finding[]> {
  try {
    await using storage = new SupabaseMemoryStorage(options);
    await storage.open();
    const startMs = performance.now();
    await storage.listSessions({ limit: 1 });
    const latencyMs = performance.now() - startMs;
    return [
      ok("supabase", "reachable", `answers within ${latencyMs.toFixed(1)} ms`),
      ok("supabase", "schema", "has the tables and functions of this version"),
      await examineIdsByReader(storage.reader, "supabase", Date.now()),
    ];
  } catch (error) {
    if (!MemoryError.isInstance(error)) throw error;
    const [topic, action] = TOPICS[error.code] ?? ["unreachable", "check SUPABASE_URL and the network"];
    return [problem("supabase", topic, error.message, action)];
  }
}
