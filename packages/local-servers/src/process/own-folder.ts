import { lstat, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SERVER_USER } from "../postgres/server-user.ts";

/**
 * The mode of the folder. The servers of root run as another user, who may traverse it but neither list nor write it.
 */
const MODE = SERVER_USER === undefined ? 0o700 : 0o711;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes a folder of this user inside a world-writable one, such as the system's temporary folder.
 *
 * Its name is predictable, so another user may have created it, or a link in its place. Therefore its owner and
 * permissions are checked each time.
 *
 * @throws if others have access to the folder.
 */
export async function ownFolder(parent: string): Promise<string> {
  const { uid } = userInfo();
  const folder = join(parent, `rivet-${uid}`);
  await mkdir(folder, { mode: MODE }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  // Windows has no owners of this kind, and a temporary folder for each user.
  if (uid === -1) return folder;
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new Error(`${folder} is not private to this user; remove it, or set TMPDIR to a private folder`);
  }
  return folder;
}
