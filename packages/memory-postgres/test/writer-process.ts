import * as servers from "@rivet/local-servers";

/** A script of `test/processes/` in a process of its own, on the database of an address. */
export function runScript(url: string, script: string, args: readonly string[]): servers.ScriptRun {
  return servers.runScript(locate(script), args, { environment: environmentFor(url) });
}

/** Runs a script to its end and returns the lines that it printed. */
export function scriptLines(url: string, script: string, args: readonly string[] = []): Promise<string[]> {
  return servers.scriptLines(locate(script), args, { environment: environmentFor(url) });
}

function locate(script: string): URL {
  return new URL(`processes/${script}`, import.meta.url);
}

function environmentFor(url: string): Record<string, string> {
  return { DATABASE_FAILOVER_ORDER: "memory", MEMORY_DB_URL: url };
}
