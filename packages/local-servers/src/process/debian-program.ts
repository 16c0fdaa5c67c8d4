import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "./made-once.ts";

const run = promisify(execFile);
/** The largest list of packages to fetch. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A program and the environment variables of its process. */
export interface Program {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface DebianPackage {
  readonly name: string;
  /** The program in a folder of the path, where it is installed. */
  readonly command: string;
  /** The program within the package. */
  readonly file: string;
}

/**
 * Finds a program of Debian. If it is not installed, fetches its package with its missing dependencies and unpacks them
 * into a separate folder. Nothing is installed, and root is not needed.
 *
 * @throws if the program is not installed and cannot be fetched.
 */
export async function debianProgram({ name, command, file }: DebianPackage): Promise<Program> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const installed = folders.map((folder) => join(folder, command)).find(existsSync);
  if (installed !== undefined) return { file: installed, environment: {} };
  const folder = await madeOnce(`debian-${name}`, (draft) => fetchPackage(name, draft));
  const libraries = await foldersOfLibraries(folder);
  // If the machine has no fonts, they were fetched with the package.
  const fonts = existsSync(join(folder, "etc", "fonts", "fonts.conf")) ? { FONTCONFIG_SYSROOT: folder } : {};
  return {
    file: join(folder, file),
    environment: { LD_LIBRARY_PATH: libraries.join(delimiter), ...fonts },
  };
}

async function fetchPackage(name: string, draft: string): Promise<void> {
  const downloads = join(draft, "downloads");
  try {
    const apt = await freshLists(downloads);
    const { stdout } = await apt("install", "--print-uris", "--quiet=2", "--no-install-recommends", name);
    const missing = [...stdout.matchAll(/^'[^']+' ([^_\s]+)_/gm)].map(([, missing = ""]) => missing);
    await apt("download", ...new Set([name, ...missing]));
    for (const file of await readdir(downloads)) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(downloads, file), draft]);
    }
    await rm(downloads, { recursive: true });
    await chmod(draft, 0o755);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = `${name} is not installed, and Debian's package cannot be fetched; install ${name} (${reason})`;
    throw new Error(problem, { cause: error });
  }
}

type Apt = (...command: readonly string[]) => Promise<{ stdout: string }>;

/**
 * Downloads package lists into the folder, because a fresh machine has none and only root may write the usual place.
 */
async function freshLists(folder: string): Promise<Apt> {
  const lists = join(folder, "lists");
  await mkdir(join(lists, "partial"), { recursive: true });
  const settings = [
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "Debug::NoLocking=1",
    "APT::Sandbox::User=",
  ];
  const flags = settings.flatMap((setting) => ["-o", setting]);
  const apt: Apt = (...command) => run("apt-get", [...command, ...flags], { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES });
  await apt("update");
  return apt;
}

async function foldersOfLibraries(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return [...new Set(entries.filter(({ name }) => /\.so(\.|$)/.test(name)).map((entry) => entry.parentPath))];
}
