import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "@rivet/local-servers";

const root = import.meta.dirname;

/** The folder of the page as it is built from its source now; it is built anew only when that has changed. */
export async function builtPage(): Promise<string> {
  return madeOnce(`console-page-${hashOfSource()}`, async (draft) => {
    // In a process of its own: what runs the tests has a mode of its own, for which React is another one.
    const environment = { ...process.env, NODE_ENV: "production" };
    const options = [root, "--outDir", draft, "--emptyOutDir", "--logLevel", "error"];
    await promisify(execFile)(process.execPath, [viteProgram(), "build", ...options], { env: environment });
  });
}

function viteProgram(): string {
  return join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin", "vite.js");
}

function hashOfSource(): string {
  const hash = createHash("sha256");
  const lock = join("..", "..", "..", "pnpm-lock.yaml");
  for (const file of [...globSync("**/*.*", { cwd: root }).toSorted(), lock]) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
