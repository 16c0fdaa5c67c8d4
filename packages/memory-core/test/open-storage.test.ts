import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryError, openStorage } from "../src/index.ts";

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
    await mkdir(join(project, "node_modules"));
    const uuid = await realpath(join(import.meta.dirname, "..", "node_modules", "uuid"));
    await symlink(uuid, join(project, "node_modules", "uuid"));
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
      message: `the package ${packageName} is not installed; run: npm install ${packageName}`,
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
