import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { footprintOf } from "../src/install/footprint.ts";

interface Package {
  readonly at: string;
  readonly manifest: object;
  readonly bytes: number;
}

/** A folder with these packages, each with a file of so many bytes beside its manifest. */
async function folderWith(packages: readonly Package[]): Promise<{ folder: string; bytes: number }> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-installed-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  let sum = 0;
  for (const { at, manifest, bytes } of packages) {
    const place = join(folder, "node_modules", at);
    const text = JSON.stringify(manifest);
    await mkdir(join(place, "dist"), { recursive: true });
    await writeFile(join(place, "package.json"), text);
    await writeFile(join(place, "dist", "index.js"), "x".repeat(bytes));
    sum += bytes + text.length;
  }
  return { folder, bytes: sum };
}

it("what is installed is counted once, wherever it lies, and what is for another system is not", async () => {
  const { folder, bytes } = await folderWith([
    { at: "@rivet/backend", manifest: { dependencies: { core: "1", shared: "1" } }, bytes: 10 },
    {
      at: "core",
      manifest: { peerDependencies: { shared: "1", zod: "4" }, peerDependenciesMeta: { zod: { optional: true } } },
      bytes: 20,
    },
    { at: "shared", manifest: { optionalDependencies: { windows: "1", linux: "1" } }, bytes: 30 },
    { at: "shared/node_modules/linux", manifest: {}, bytes: 40 },
  ]);
  expect(footprintOf(["@rivet/backend", "core"], folder)).toEqual({ packages: 4, bytes });
});

it("a dependency that is not there is an error, and no smaller figure", async () => {
  const { folder } = await folderWith([{ at: "backend", manifest: { dependencies: { driver: "1" } }, bytes: 1 }]);
  expect(() => footprintOf(["backend"], folder)).toThrow("driver is not installed");
});
