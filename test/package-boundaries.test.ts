import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** The packages of ours that a package may import, besides itself. Who is not listed may import none. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "@rivet/memory-conformance": ["@rivet/memory-core"],
  "@rivet/memory-console": ["@rivet/memory-core"],
  // Whoever installs it can use every backend.
  "@rivet/memory-cli": [
    "@rivet/memory-core",
    "@rivet/memory-inmemory",
    "@rivet/memory-sqlite",
    "@rivet/memory-postgres",
    "@rivet/memory-supabase",
    "@rivet/db-manager",
    "@rivet/postgres-schema",
  ],
  "@rivet/memory-inmemory": ["@rivet/memory-core"],
  "@rivet/memory-sqlite": ["@rivet/memory-core"],
  "@rivet/postgres-schema": ["@rivet/memory-core"],
  "@rivet/memory-supabase": ["@rivet/memory-core", "@rivet/postgres-schema"],
  "@rivet/memory-postgres": [
    "@rivet/memory-core",
    "@rivet/db-manager",
    "@rivet/postgres-schema",
    // The local journal is a file: an optional peer.
    "@rivet/memory-sqlite",
  ],
};

/** Development dependencies that the build makes part of the package. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  "@rivet/memory-core": ["@noble/hashes", "@standard-schema/spec", "uuid"],
  "@rivet/memory-inmemory": ["sorted-btree"],
};

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly manifest: Manifest;
  readonly sourceImports: ReadonlySet<string>;
  readonly testImports: ReadonlySet<string>;
}

function readPackage(folder: string): Package {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  return {
    manifest,
    sourceImports: importsOf(join(root, folder, "src")),
    testImports: importsOf(join(root, folder, "test")),
  };
}

/** The packages and Node modules that the files of a folder import, statically or not. */
function importsOf(folder: string): ReadonlySet<string> {
  const files = globSync("**/*.{ts,tsx}", { cwd: folder });
  const specifiers = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  });
  return new Set(specifiers.filter((specifier) => !specifier.startsWith(".")).map(packageOf));
}

/** `@scope/name/path` is of `@scope/name`; a module of Node's stays as it is. */
function packageOf(specifier: string): string {
  if (isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isOurs(name: string): boolean {
  return name.startsWith("@rivet/");
}

function isNode(name: string): boolean {
  return name.startsWith("node:");
}

const folders = globSync(
  ["packages/*/package.json", "apps/*/package.json", "benchmarks/package.json", "test-matrix/package.json"],
  { cwd: root },
);
const all = folders.map((file) => readPackage(join(file, "..")));
const packages = all.filter(({ manifest }) => manifest.private !== true);
/** The packages that are not published: the demo, the benchmarks, the servers of the tests. */
const programs = all.filter(({ manifest }) => manifest.private === true);
const byName = packages.map((one) => [one.manifest.name, one] as const);

describe("the packages", () => {
  it("are found, with what they import", () => {
    expect(packages.map(({ manifest }) => manifest.name)).toEqual(
      expect.arrayContaining(["@rivet/memory-core", ...Object.keys(ALLOWED)]),
    );
    const sqlite = packages.find(({ manifest }) => manifest.name === "@rivet/memory-sqlite");
    expect([...(sqlite?.sourceImports ?? [])]).toEqual(
      expect.arrayContaining(["@rivet/memory-core", "better-sqlite3"]),
    );
  });

  it.each(byName)("%s depends at run time on nothing that is not published", (_, { manifest }) => {
    const names = programs.map((one) => one.manifest.name);
    expect(Object.keys(manifest.dependencies ?? {}).filter((name) => names.includes(name))).toEqual([]);
  });

  it.each(byName)("%s imports only the packages of ours that it may", (name, { manifest, sourceImports }) => {
    const allowed = ALLOWED[name] ?? [];
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect([...sourceImports].filter((one) => isOurs(one) && !allowed.includes(one))).toEqual([]);
    expect(declared.filter((one) => isOurs(one) && !allowed.includes(one))).toEqual([]);
  });

  it.each(byName)("%s declares as dependencies what its source imports, and no more", (_, one) => {
    const { manifest, sourceImports } = one;
    const builtIn = BUILT_IN[manifest.name] ?? [];
    expect(Object.keys(manifest.devDependencies ?? {})).toEqual(expect.arrayContaining([...builtIn]));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).toSorted();
    const imported = [...sourceImports].filter((specifier) => !isNode(specifier) && !builtIn.includes(specifier));
    expect(imported.toSorted()).toEqual(declared);
  });

  it.each(byName)("%s declares what its tests import", (name, { manifest, testImports }) => {
    const { dependencies, peerDependencies, devDependencies } = manifest;
    const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }));
    const shared = new Set([name, "vitest", "typescript"]);
    const undeclared = [...testImports].filter((one) => !isNode(one) && !declared.has(one) && !shared.has(one));
    expect(undeclared).toEqual([]);
  });

  it.each(byName)("%s is imported by its name alone, never by a path into it", (name) => {
    const importers = globSync(["packages/*/{src,test}/**/*.ts", "apps/*/{src,test}/**/*.ts", "test/**/*.ts"], {
      cwd: root,
    });
    const intoIt = importers.filter((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), "utf8"), true, true);
      return importedFiles.some(({ fileName }) => fileName.startsWith(`${name}/`));
    });
    expect(intoIt).toEqual([]);
  });
});

describe("@rivet/memory-core", () => {
  const core = packages.find(({ manifest }) => manifest.name === "@rivet/memory-core");

  it("imports nothing of Node's, so that it runs where there is no Node", () => {
    expect([...(core?.sourceImports ?? [])].filter(isNode)).toEqual([]);
  });

  it("uses no global of Node's", () => {
    const folder = join(root, "packages", "memory-core", "src");
    const users = globSync("**/*.ts", { cwd: folder }).filter((file) => {
      const code = readFileSync(join(folder, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return /\b(?:Buffer|process|setImmediate|__dirname|require)\b[.(]/.test(code);
    });
    expect(users).toEqual([]);
  });
});

describe("the programs", () => {
  it("are found", () => {
    expect(programs.map(({ manifest }) => manifest.name)).toEqual(
      expect.arrayContaining(["demo", "benchmarks", "@rivet/local-servers"]),
    );
  });

  it.each(programs.map((one) => [one.manifest.name, one] as const))(
    "%s declares what it imports",
    (_, { manifest, sourceImports }) => {
      const declared = Object.keys(manifest.dependencies ?? {});
      expect([...sourceImports].filter((specifier) => !isNode(specifier) && !declared.includes(specifier))).toEqual([]);
    },
  );
});
