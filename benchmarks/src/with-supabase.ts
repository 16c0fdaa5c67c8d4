import { startSupabase, type LocalSupabase } from "@rivet/local-servers";
import { SupabaseMemoryStorage, supabaseMigration } from "@rivet/memory-supabase";
import { BareSupabase } from "./bare-supabase.ts";

/** Ours and the reference, in one project, with its secret key. */
export interface SupabasePair {
  readonly project: LocalSupabase;
  readonly storage: SupabaseMemoryStorage;
  readonly bare: BareSupabase;
}

export async function withSupabase<Result>(work: (pair: SupabasePair) => Promise<Result>): Promise<Result> {
  await using project = await startSupabase();
  await project.apply(`${supabaseMigration()}${BareSupabase.tables}`);
  // The API reads the schema anew.
  await project.postgrest.restart();
  const { url, keys } = project;
  await using storage = new SupabaseMemoryStorage({ url, key: keys.secret });
  return await work({ project, storage, bare: new BareSupabase(url, keys.secret) });
}
