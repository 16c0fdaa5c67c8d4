export { MIGRATION_FILE } from "./migration/file.ts";
export { supabaseMigration, type SupabaseMigrationOptions } from "./migration/migration.ts";
export type { SupabaseMemoryStorageOptions } from "./options.ts";
export type { RpcClient, RpcRequest, RpcResponse } from "./requests/rpc-client.ts";
export { SupabaseMemoryStorage } from "./supabase-storage.ts";
