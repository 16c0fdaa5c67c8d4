import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";

/** The size of packages on disk, including their dependencies. */
export interface Footprint {
  readonly packages: number;
  readonly bytes: number;
}

const manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).default({}),
});

/** @param folder where they are installed, by whatever package manager. */
export function footprintOf(names: readonly string[], folder: string): Footprint {
  const found = new Set<string>();
  const waiting = names.map((name) => installed(name, folder) ?? missing(name, folder));
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (found.has(place)) continue;
    found.add(place);
    const { needed, wanted } = dependenciesOf(place);
    waiting.push(...needed.map((name) => installed(name, place) ?? missing(name, place)));
    // What is for another system is not there.
    waiting.push(...wanted.flatMap((name) => installed(name, place) ?? []));
  }
  return { packages: found.size, bytes: [...found].reduce((sum, place) => sum + bytesOf(place), 0) };
}

function dependenciesOf(place: string): { needed: string[]; wanted: string[] } {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest.parse(
    JSON.parse(readFileSync(join(place, "package.json"), "utf8")),
  );
  const wanted = Object.keys(optionalDependencies);
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  const needed = [...Object.keys(dependencies), ...peers].filter((name) => !wanted.includes(name));
  return { needed, wanted };
}

/** As Node.js looks for it: https://nodejs.org/api/modules.html#loading-from-node_modules-folders */
function installed(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return realpathSync(place);
    if (folder === dirname(folder)) return undefined;
  }
}

function missing(name: string, from: string): never {
  throw new Error(`${name} is not installed where ${from} would find it`);
}

/** The sizes of a package's own files. */
function bytesOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    if (entry.name === "node_modules") return sum;
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesOf(path) : lstatSync(path).size);
  }, 0);
}
