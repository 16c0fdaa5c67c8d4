/** Projects as users make them, and tools, each in a folder of the run that goes with it. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWell } from "./command.ts";

const INSTALL = ["install", "--no-audit", "--no-fund", "--loglevel=error"];

/** The settings that a project runs with. */
export type Environment = Readonly<Record<string, string>>;

export class Workplace implements AsyncDisposable {
  readonly folder: string;
  readonly #tools = new Map<string, Promise<string>>();
  readonly #bases = new Map<string, Promise<string>>();
  #npmrc = "";
  #projects = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), "rivet-matrix-")));
  }

  /** From now on projects find the packages at a registry of this machine. */
  use(npmrc: string): void {
    this.#npmrc = npmrc;
  }

  /**
   * Installs a tool from npm, once.
   *
   * @param overrides versions of what it depends on, where it asks for one that the registry lacks.
   * @returns a file of it, such as `node_modules/.bin/bun`.
   */
  async tool(specifier: string, file: string, overrides: Readonly<Record<string, string>> = {}): Promise<string> {
    let installed = this.#tools.get(specifier);
    if (installed === undefined) {
      installed = this.#install(
        join(this.folder, "tools", specifier.replaceAll(/[^\w.-]/g, "-")),
        [specifier],
        "",
        overrides,
      );
      this.#tools.set(specifier, installed);
    }
    return join(await installed, "node_modules", file);
  }

  /**
   * Makes a project: `npm init -y`, the packages by their names, and the files. What several projects install alike is
   * installed once and copied.
   */
  async project(packages: readonly string[], files: Readonly<Record<string, string>>): Promise<string> {
    const key = packages.toSorted().join(" ");
    let base = this.#bases.get(key);
    if (base === undefined) {
      base = this.#install(join(this.folder, `base-${this.#bases.size}`), packages, this.#npmrc);
      this.#bases.set(key, base);
    }
    const project = join(this.folder, `project-${(this.#projects += 1)}`);
    await cp(await base, project, { recursive: true, verbatimSymlinks: true });
    await writeAll(project, files);
    return project;
  }

  /** A new folder with these files, in which nothing is installed; the packages are found from it. */
  async folderFor(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.folder, `project-${(this.#projects += 1)}`);
    await writeAll(folder, { ".npmrc": this.#npmrc, ...files });
    return folder;
  }

  async #install(
    folder: string,
    packages: readonly string[],
    npmrc: string,
    overrides: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    await mkdir(folder, { recursive: true });
    await runWell("npm", ["init", "-y"], folder);
    if (Object.keys(overrides).length > 0) {
      const manifest = join(folder, "package.json");
      await writeFile(manifest, JSON.stringify({ ...JSON.parse(await readFile(manifest, "utf8")), overrides }));
    }
    if (npmrc !== "") await writeFile(join(folder, ".npmrc"), npmrc);
    await runWell("npm", [...INSTALL, ...packages], folder);
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}
