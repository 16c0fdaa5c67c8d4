import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/**
 * A folder that is made once on a machine for each of its users, and stays. Any number of processes may ask at once: each
 * makes a draft, and one of them takes the place.
 *
 * @param name changes with anything that changes what is made.
 * @param make fills the draft; what it throws is thrown, unless another process was faster.
 */
export async function madeOnce(name: string, make: (draft: string) => Promise<void>): Promise<string> {
  const folder = join(tmpdir(), `rivet-${name}-${userInfo().uid}`);
  if (existsSync(folder)) return folder;
  const draft = await mkdtemp(`${folder}-`);
  try {
    await make(draft);
    await rename(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}
