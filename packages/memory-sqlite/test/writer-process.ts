import * as servers from "@rivet/local-servers";

/** A script of `test/processes/` in a process of its own. */
export function runScript(script: string, args: readonly string[], options?: servers.ScriptOptions): servers.ScriptRun {
  return servers.runScript(locate(script), args, options);
}

/** Runs a script to its end and returns the lines that it printed. */
export function scriptLines(
  script: string,
  args: readonly string[],
  options?: servers.ScriptOptions,
): Promise<string[]> {
  return servers.scriptLines(locate(script), args, options);
}

function locate(script: string): URL {
  return new URL(`processes/${script}`, import.meta.url);
}
