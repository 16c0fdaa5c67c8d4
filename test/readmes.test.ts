import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { isBuiltin, stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { sharedServer, startSupabase, type LocalSupabase } from "@rivet/local-servers";
import { supabaseMigration } from "@rivet/memory-supabase";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runWell } from "./child-process.ts";
import { codeBlocks, fileNameOf, installedPackages } from "./readme-code.ts";

const root = join(import.meta.dirname, "..");
const documents = globSync(["*.md", "packages/*/README.md", "apps/*/README.md"], { cwd: root });
const blocks = documents.flatMap((document) =>
  codeBlocks(join(root, document)).map((code, index) => ({ title: `${document}, block ${index + 1}`, document, code })),
);
/** The READMEs of the repository and of the packages that are published, whose code users copy. */
const samples = blocks.filter(({ document }) => document === "README.md" || isPublished(document));

function isPublished(document: string): boolean {
  if (!document.startsWith("packages/")) return false;
  const manifest: { private?: boolean } = JSON.parse(readFileSync(join(root, document, "..", "package.json"), "utf8"));
  return manifest.private !== true;
}

describe("the code of the documents", () => {
  const server = sharedServer({ beforeAll, afterAll });
  let project: LocalSupabase | undefined;
  beforeAll(async () => {
    project = await startSupabase();
    await project.apply(supabaseMigration());
    await project.postgrest.restart();
  }, 60_000);
  afterAll(async () => {
    await project?.[Symbol.asyncDispose]();
  });

  it("is found", () => {
    expect(documents).toContain("README.md");
    expect(blocks.length).toBeGreaterThanOrEqual(5);
  });

  it.for(samples)("is a program for each supported Node.js: $title", ({ code }) => {
    // Node.js 22 and the CommonJS of `npm init -y` run ES modules in `.mjs` files alone, without types and `await
    // using`.
    expect(fileNameOf(code)).toMatch(/\.mjs$/);
    expect(stripTypeScriptTypes(code)).toBe(code);
    expect(code).not.toMatch(/\bawait using\b/);
  });

  it.for(samples)("imports what the install lines of its document name: $title", ({ document, code }) => {
    const installed = installedPackages(join(root, document));
    const imported = [...code.matchAll(/(?:from |import\()"([^"]+)"/g)].map(([, name = ""]) => name);
    const missing = imported.filter((name) => !isBuiltin(name) && !installed.has(name));
    expect(missing).toEqual([]);
  });

  it.concurrent.for(blocks)("runs: $title", { timeout: 60_000 }, async ({ code }, { onTestFinished }) => {
    // Inside the workspace, so that the packages are found; the files that the code makes are gone with the folder.
    const folder = await mkdtemp(join(root, "test", ".readme-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = fileNameOf(code) ?? "example.ts";
    await writeFile(join(folder, file), code);
    // What a document takes for granted.
    const environment = {
      DATABASE_URL: await server().createDatabase(),
      SUPABASE_URL: project?.url ?? "",
      SUPABASE_SECRET_KEY: project?.keys.secret ?? "",
    };
    await runWell(process.execPath, ["--conditions=@rivet/source", file], folder, environment);
  });
});
