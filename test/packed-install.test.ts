import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runWell } from "./child-process.ts";
import { codeBlocks } from "./readme-code.ts";

const root = join(import.meta.dirname, "..");
const pnpm = ["-y", JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager];

describe("the packed core and SQLite packages in an empty project", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivet-packed-"));
    await mkdir(join(folder, "project"));
    await runWell("npx", [...pnpm, "exec", "turbo", "run", "build", "--filter=@rivet/memory-sqlite"], root);
    for (const name of ["memory-core", "memory-sqlite"]) {
      await runWell("npx", [...pnpm, "pack", "--pack-destination", folder], join(root, "packages", name));
    }
    const tarballs = globSync("*.tgz", { cwd: folder }).map((file) => join(folder, file));
    await writeFile(join(folder, "project", "package.json"), JSON.stringify({ name: "newcomer", type: "module" }));
    await runWell("npm", ["install", "--no-audit", "--no-fund", ...tarballs], join(folder, "project"));
  }, 180_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("run the README's ten lines, and remember them in the next process", { timeout: 60_000 }, async () => {
    const project = join(folder, "project");
    const [tenLines = ""] = codeBlocks(join(root, "README.md"));
    await writeFile(join(project, "ten-lines.ts"), tenLines);
    const first = await runWell(process.execPath, ["ten-lines.ts"], project);
    const second = await runWell(process.execPath, ["ten-lines.ts"], project);
    expect(first.trim().split("\n")).toHaveLength(2);
    expect(second).toBe(first + first);
  });

  it("bring nothing of another backend along", async () => {
    const modules = join(folder, "project", "node_modules");
    expect((await readdir(join(modules, "@rivet"))).toSorted()).toEqual(["memory-core", "memory-sqlite"]);
    const installed = await readdir(modules);
    expect(installed).toContain("better-sqlite3");
    for (const foreign of ["pg", "@supabase", "sorted-btree", "fast-check"]) expect(installed).not.toContain(foreign);
  });

  it("name the install command for a backend that is not there", { timeout: 60_000 }, async () => {
    const project = join(folder, "project");
    const code = `
      import { openStorage } from "@rivet/memory-core";
      try { await openStorage("memory:"); } catch (error) { console.log(error.code, error.message); }`;
    await writeFile(join(project, "missing.mjs"), code);
    const output = await runWell(process.execPath, ["missing.mjs"], project);
    expect(output).toContain("npm install @rivet/memory-inmemory");
  });
});
