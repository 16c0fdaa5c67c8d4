import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const PACKAGES = join(import.meta.dirname, "..", "packages");

/** What is private is for tests; the command line is a program, which nobody imports. */
const IMPORTED = readdirSync(PACKAGES).filter((name) => name !== "memory-cli");

/**
 * Loads the sources of all packages in a process that ends well, which leaves them compiled for those that tests start: these
 * are often killed, and would leave nothing.
 */
export async function setup(): Promise<void> {
  const imports = IMPORTED.map((name) => `await import(${JSON.stringify(join(PACKAGES, name, "src", "index.ts"))});`);
  const flags = ["--conditions=@rivet/source", "--input-type=module", "--eval", imports.join("\n")];
  await promisify(execFile)(process.execPath, flags);
}
