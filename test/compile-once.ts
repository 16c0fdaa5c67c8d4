import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const PACKAGES = join(import.meta.dirname, "..", "packages");

/** The command line has no entry point: its program loads the rest of it. */
const ENTRIES = readdirSync(PACKAGES).map((name) =>
  join(PACKAGES, name, "src", name === "memory-cli" ? "program.ts" : "index.ts"),
);

/**
 * Loads the sources of all packages in a process that ends well, which leaves them compiled for those that tests start:
 * these are often killed, and would leave nothing.
 */
export async function setup(): Promise<void> {
  const imports = ENTRIES.map((path) => `await import(${JSON.stringify(path)});`);
  const flags = ["--conditions=@rivet/source", "--input-type=module", "--eval", imports.join("\n")];
  await promisify(execFile)(process.execPath, flags);
}
