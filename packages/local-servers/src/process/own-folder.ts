import { lstat, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SERVER_USER } from "../postgres/server-user.ts";

/** The servers of root run as another user, who has to pass through, and neither lists nor writes anything. */
const MODE = SERVER_USER === undefined ? 0o700 : 0o711;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * A folder of this user inside one that everybody may write to, such as the system's temporary folder.
 *
 * Everybody can foresee its name, so that somebody else may have made it, or a link in its place: its owner and its
 * permissions are checked each time.
 *
 * @throws when it is not this user's alone.
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
    throw new Error(`${folder} is not a folder of this user alone: remove it, or set TMPDIR to a folder of your own`);
  }
  return folder;
}
