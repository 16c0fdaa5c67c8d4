/** Where the package has the migration for the schema `public`. The time in its name is that of the schema's version. */
export const MIGRATION_FILE = "supabase/migrations/20261201000000_rivet_memory.sql";
