/** Writes the migration in `supabase/migrations` anew. */
import { writeFileSync } from "node:fs";
import { supabaseMigration } from "../src/migration/migration.ts";
import { MIGRATION_FILE } from "../src/migration/file.ts";

writeFileSync(new URL(`../${MIGRATION_FILE}`, import.meta.url), supabaseMigration());
