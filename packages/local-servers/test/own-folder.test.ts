import { chmod, chown, lstat, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ownFolder } from "../src/process/own-folder.ts";

const { uid } = userInfo();

async function newParent(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "rivet-own-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return parent;
}

describe("the folder of the programs that tests run", () => {
  it("is made once, and only its owner can write to it", async () => {
    const parent = await newParent();
    const folder = await ownFolder(parent);
    expect(await ownFolder(parent)).toBe(folder);
    expect((await lstat(folder)).mode & 0o066).toBe(0);
  });

  it("is refused when others can write to it", async () => {
    const parent = await newParent();
    await chmod(await ownFolder(parent), 0o777);
    await expect(ownFolder(parent)).rejects.toThrow("not private to this user");
  });

  it("is refused when it is a link to another folder", async () => {
    const parent = await newParent();
    await mkdir(join(parent, "elsewhere"));
    await symlink(join(parent, "elsewhere"), join(parent, `rivet-${uid}`));
    await expect(ownFolder(parent)).rejects.toThrow("not private to this user");
  });

  // Only root can give a folder away.
  it.runIf(uid === 0)("is refused when it belongs to another user", async () => {
    const parent = await newParent();
    await chown(await ownFolder(parent), 65_534, 65_534);
    await expect(ownFolder(parent)).rejects.toThrow("not private to this user");
  });
});
