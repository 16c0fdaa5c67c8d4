import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A program and what its process needs in its environment. */
export interface Program {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * PgBouncer: the one that is installed, or else Debian's package, which is fetched and unpacked into a folder of its own.
 * Nothing is installed, and nobody needs to be root.
 *
 * @throws where there is neither, saying so.
 */
export async function pgBouncerProgram(): Promise<Program> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const installed = folders.map((folder) => join(folder, "pgbouncer")).find(existsSync);
  if (installed !== undefined) return { file: installed, environment: {} };
  const folder = join(tmpdir(), `rivet-pgbouncer-${userInfo().uid}`);
  if (!existsSync(folder)) await fetchPackage(folder);
  const libraries = await foldersOfLibraries(folder);
  return {
    file: join(folder, "usr", "sbin", "pgbouncer"),
    environment: { LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

/** Any number of processes may do so at once: one folder takes the place. */
async function fetchPackage(folder: string): Promise<void> {
  const draft = await mkdtemp(`${folder}-`);
  try {
    const downloads = join(draft, "downloads");
    await download("pgbouncer", downloads);
    const { stdout } = await run("sh", ["-c", 'dpkg-deb -f "$1"/pgbouncer_*.deb Depends', "sh", downloads]);
    // Libraries that the machine has are no worse for being there twice.
    const libraries = [...stdout.matchAll(/\b(lib[a-z0-9.+-]+)/g)].map(([, name = ""]) => name);
    for (const library of libraries) if (!/^libc6$/.test(library)) await download(library, downloads);
    const unpacked = join(draft, "unpacked");
    await mkdir(unpacked);
    for (const file of await readdir(downloads)) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(downloads, file), unpacked]);
    }
    await chmod(unpacked, 0o755);
    await rename(unpacked, folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!existsSync(folder)) {
      throw new Error(
        `PgBouncer is not installed, and Debian's package cannot be fetched; install pgbouncer (${reason})`,
        {
          cause: error,
        },
      );
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function download(name: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lists = join(folder, "lists");
  // A fresh machine has no list of packages, and only root may write the usual place.
  const options = [`Dir::State::Lists=${lists}`, `Dir::Cache=${join(folder, "cache")}`, "Debug::NoLocking=1"];
  const flags = [...options, "APT::Sandbox::User="].flatMap((option) => ["-o", option]);
  if (!existsSync(lists)) {
    await mkdir(join(lists, "partial"), { recursive: true });
    await run("apt-get", ["update", ...flags]);
  }
  await run("apt-get", ["download", name, ...flags], { cwd: folder });
}

async function foldersOfLibraries(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return [...new Set(entries.filter(({ name }) => name.includes(".so.")).map((entry) => entry.parentPath))];
}
