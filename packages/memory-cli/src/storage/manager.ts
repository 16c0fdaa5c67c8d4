import { DatabaseManager } from "@rivet/db-manager";

/** The providers of the environment, or the one of an address, with no tables touched. */
export function managerOf(url: string): DatabaseManager {
  if (/^postgres(ql)?:$/.test(url)) return DatabaseManager.fromEnv();
  return new DatabaseManager({ providers: [{ name: "postgres", connectionString: url }] });
}
