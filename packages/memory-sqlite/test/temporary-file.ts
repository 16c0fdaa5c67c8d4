import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * A path in a new folder, which goes when the test is over.
 *
 * @param whenFinished a test that runs beside others must pass its own context's `onTestFinished`.
 */
export async function temporaryFile(name = "memory.db", whenFinished = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-sqlite-"));
  whenFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, name);
}
