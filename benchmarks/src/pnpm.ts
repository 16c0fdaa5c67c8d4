import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

export const ROOT = join(import.meta.dirname, "..", "..");
const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { packageManager: string };

/** Runs the pnpm that the workspace is pinned to, to its end. @throws when it does not end well. */
export async function runPnpm(arguments_: readonly string[], folder = ROOT): Promise<void> {
  await promisify(execFile)("npx", ["-y", packageManager, ...arguments_], { cwd: folder });
}
