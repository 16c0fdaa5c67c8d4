import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownFolder } from "./own-folder.ts";

/**
 * Makes a folder once on a machine for each user, and keeps it. Any number of processes may call this at once: each
 * makes a draft, and one draft becomes the folder. It is inside a folder that only this user can write to, because the
 * programs in it run as this user.
 *
 * @param name changes with anything that changes what is made.
 * @param make fills the draft; an error of it is thrown, unless another process was faster.
 * @throws if another user owns the place.
 */
export async function madeOnce(name: string, make: (draft: string) => Promise<void>): Promise<string> {
  const folder = join(await ownFolder(tmpdir()), name);
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
