/** Prints the SQL that VoltAgent's Supabase adapter prints, among other lines, where it finds no tables. */
import { SupabaseMemoryAdapter } from "@voltagent/supabase";

const [supabaseUrl = "", supabaseKey = ""] = process.argv.slice(2);
const SQL = /SQL Editor:\n([\s\S]*?)\n=+\nEND OF SQL/;

console.log = (...args: unknown[]) => {
  const [, sql] = SQL.exec(String(args[0])) ?? [];
  if (sql === undefined) return;
  process.stdout.write(sql, () => process.exit());
};
new SupabaseMemoryAdapter({ supabaseUrl, supabaseKey });
