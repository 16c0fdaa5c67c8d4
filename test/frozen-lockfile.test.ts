import { globSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runWell } from "./child-process.ts";

const root = join(import.meta.dirname, "..");

it("the lockfile of a fresh clone is accepted by a frozen install", { timeout: 60_000 }, async ({ onTestFinished }) => {
  const clone = await mkdtemp(join(tmpdir(), "rivet-frozen-"));
  onTestFinished(() => rm(clone, { recursive: true, force: true }));
  // All that an install reads of the workspace before it fetches packages.
  const manifests = globSync(
    "{package.json,{packages,apps}/*/package.json,benchmarks/package.json,test-matrix/package.json}",
    { cwd: root },
  );
  for (const file of [...manifests, "pnpm-lock.yaml", "pnpm-workspace.yaml"])
    await cp(join(root, file), join(clone, file));

  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  await runWell("npx", ["-y", packageManager, "install", "--frozen-lockfile", "--lockfile-only"], clone);
  expect(readFileSync(join(clone, "pnpm-lock.yaml"), "utf8")).toBe(readFileSync(join(root, "pnpm-lock.yaml"), "utf8"));
});
