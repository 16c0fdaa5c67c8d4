/** The path of the migration for the schema `public`. The time in its name is the version of the schema. */
export const MIGRATION_FILE = "supabase/migrations/20261201000000_rivet_memory.sql";
