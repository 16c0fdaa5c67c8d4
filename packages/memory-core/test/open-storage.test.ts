import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryError, openStorage } from "../src/index.ts";
import { TinyStorage } from "./tiny-storage.ts";

async function errorOf(url: unknown): Promise<MemoryError> {
  try {
    // @ts-expect-error the point is an address of any type
    await openStorage(url);
  } catch (error) {
    if (MemoryError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("openStorage with an address of no backend", () => {
  it.each([
    ["an unknown scheme", "mysql://ada:hunter2@db.example.com/memory"],
    ["no scheme", "hunter2@db.example.com/memory"],
    ["a scheme in upper case", "MYSQL://ada:hunter2@db.example.com/memory"],
    ["a property of every object for a scheme", "constructor://ada:hunter2@db.example.com"],
    ["a bare path", "/data/hunter2/db.example.com"],
    ["an empty string", ""],
  ])("refuses %s, says what it expects, and never repeats the address", async (_, url) => {
    const error = await errorOf(url);
    expect(error).toMatchObject({ code: "invalid_input", path: "url" });
    expect(error.message).toContain("sqlite:");
    expect(JSON.stringify(error) + error.message + error.stack).not.toMatch(/hunter2|example\.com/);
  });

  it.each([undefined, null, 7, {}])("refuses %j", async (url) => {
    expect(await errorOf(url)).toMatchObject({ code: "invalid_input", path: "url" });
  });
});

/** A project of its own, outside the workspace, where only the packages are installed that a test puts there. */
describe("openStorage in a project without the backend's package", () => {
  let project = "";

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "rivet-open-"));
    await cp(join(import.meta.dirname, "..", "src"), join(project, "src"), { recursive: true });
    await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
    await mkdir(join(project, "node_modules", "@noble"), { recursive: true });
    // They are built into the published package.
    for (const name of ["uuid", "@noble/hashes"]) {
      const original = await realpath(join(import.meta.dirname, "..", "node_modules", name));
      await symlink(original, join(project, "node_modules", name));
    }
  });

  afterAll(() => rm(project, { recursive: true, force: true }));

  async function errorIn(url: string): Promise<unknown> {
    const code = `
      import { openStorage } from "./src/index.ts";
      const error = await openStorage(${JSON.stringify(url)}).catch((error) => error);
      console.log(JSON.stringify({ ...error, message: error.message, cause: String(error.cause) }));`;
    await writeFile(join(project, "main.ts"), code);
    const { stdout } = await promisify(execFile)(process.execPath, ["main.ts"], { cwd: project });
    return JSON.parse(stdout);
  }

  it.each([
    ["memory:", "@rivet/memory-inmemory"],
    ["sqlite:/data/hunter2.db", "@rivet/memory-sqlite"],
    ["supabase:", "@rivet/memory-supabase"],
    ["postgres:", "@rivet/memory-postgres"],
    ["postgresql://ada:hunter2@db.example.com/memory", "@rivet/memory-postgres"],
  ])("names the command that installs what %s needs", async (url, packageName) => {
    const error = await errorIn(url);
    expect(error).toMatchObject({
      name: "MemoryError",
      code: "schema",
      operation: "openStorage",
      message: expect.stringContaining(`the package ${packageName} is not found; run: npm install ${packageName}.`),
    });
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });

  it("says of a package that is there but fails to load that it does, and why", async () => {
    const folder = join(project, "node_modules", "@rivet", "memory-sqlite");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", exports: "./index.js" }));
    await writeFile(join(folder, "index.js"), 'import "a-driver-that-is-missing";');
    const error = await errorIn("sqlite:");
    expect(error).toMatchObject({ code: "unknown", cause: expect.stringContaining("a-driver-that-is-missing") });
    expect(error).not.toMatchObject({ message: expect.stringContaining("npm install") });
  });
});

describe("openStorage with a function that loads the backend's package", () => {
  it("opens the storage of the package that the function gives, and looks for none by name", async () => {
    const given: unknown[] = [];
    class InMemoryStorage extends TinyStorage {
      constructor(options: object) {
        super();
        given.push(options);
      }
    }
    const storage = await openStorage("memory:", {
      maxAtomBytes: 1_000,
      backends: { memory: async () => ({ InMemoryStorage }) },
    });
    expect(storage).toBeInstanceOf(InMemoryStorage);
    expect(given).toEqual([{ maxAtomBytes: 1_000 }]);
    await storage.close();
  });

  it.each([
    ["an empty module, as bundlers make of a package that is absent", {}],
    ["nothing", undefined],
    ["a class of another name", { SQLiteStorage: Date }],
  ])("says how to pass the package when the function gives %s", async (_, module) => {
    // @ts-expect-error the point is what is no module
    const opening = openStorage("memory:", { backends: { memory: async () => module } });
    await expect(opening).rejects.toMatchObject({
      name: "MemoryError",
      code: "schema",
      message: expect.stringContaining('{ backends: { memory: () => import("@rivet/memory-inmemory") } }'),
    });
  });

  it.each(["@rivet/memory-inmemory", {}, 7])("refuses %j in place of the function", async (loader) => {
    // @ts-expect-error the point is a loader of any type
    const opening = openStorage("memory:", { backends: { memory: loader } });
    await expect(opening).rejects.toMatchObject({ code: "invalid_input", path: "options.backends.memory" });
  });

  it.each([
    ["Node.js", "Cannot find package '@rivet/memory-inmemory' imported from /app/main.js"],
    ["webpack", "Cannot find module '@rivet/memory-inmemory'"],
    ["workerd", 'No such module "@rivet/memory-inmemory".'],
    ["Bun", "Cannot find package '@rivet/memory-inmemory' from '/app/main.js'"],
  ])("names the install command and the option when %s does not find the package", async (_, message) => {
    const load = async (): Promise<object> => {
      throw new Error(message);
    };
    await expect(openStorage("memory:", { backends: { memory: load } })).rejects.toMatchObject({
      code: "schema",
      message: expect.stringMatching(/npm install @rivet\/memory-inmemory.*backends/),
    });
  });
});
