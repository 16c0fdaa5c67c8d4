export type FamilyName = "postgres" | "sqlite" | "supabase" | "supabase-far" | "memory";
