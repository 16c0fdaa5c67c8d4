export { startPostgres, PostgresServer, type PostgresOptions, type StopMode } from "./postgres.ts";
export { startProxy, TcpProxy, type ProxyMode } from "./proxy.ts";
export { linesUntilKilled, runScript, scriptLines, type ScriptOptions, type ScriptRun } from "./script.ts";
export { PgBouncer, startPgBouncer, type PgBouncerOptions } from "./pgbouncer.ts";
export { sharedServer } from "./shared-server.ts";
export { Postgrest, startPostgrest, type PostgrestOptions } from "./postgrest.ts";
export { LocalSupabase, startSupabase, type SupabaseKeys, type SupabaseOptions } from "./supabase.ts";
export { type GatewayFault, type GatewayRequest, SupabaseGateway } from "./supabase-gateway.ts";
