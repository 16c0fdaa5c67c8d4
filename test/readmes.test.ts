import { globSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sharedServer, startSupabase, type LocalSupabase } from "@rivet/local-servers";
import { supabaseMigration } from "@rivet/memory-supabase";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runWell } from "./child-process.ts";
import { codeBlocks } from "./readme-code.ts";

const root = join(import.meta.dirname, "..");
const documents = globSync(["*.md", "packages/*/README.md", "apps/*/README.md"], { cwd: root });
const blocks = documents.flatMap((document) =>
  codeBlocks(join(root, document)).map((code, index) => ({ title: `${document}, block ${index + 1}`, code })),
);

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

  it.concurrent.for(blocks)("runs: $title", { timeout: 60_000 }, async ({ code }, { onTestFinished }) => {
    // Inside the workspace, so that the packages are found; the files that the code makes are gone with the folder.
    const folder = await mkdtemp(join(root, "test", ".readme-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, "example.ts"), code);
    // What a document takes for granted.
    const environment = {
      DATABASE_URL: await server().createDatabase(),
      SUPABASE_URL: project?.url ?? "",
      SUPABASE_SECRET_KEY: project?.keys.secret ?? "",
    };
    await runWell(process.execPath, ["--conditions=@rivet/source", "example.ts"], folder, environment);
  });
});
