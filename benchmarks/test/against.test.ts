import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

function against(...arguments_: readonly string[]): Promise<{ stdout: string }> {
  const script = join(ROOT, "benchmarks", "src", "against.ts");
  return promisify(execFile)(process.execPath, ["--conditions=@rivet/source", script, ...arguments_]);
}

describe("bench:against", () => {
  it("prints the ratio of two checkouts that save by turns", async () => {
    const { stdout } = await against(ROOT, "--only", "sqlite", "--turns", "20");
    expect(stdout).toMatch(/^sqlite: a save takes [\d.]+ ms here and [\d.]+ ms there: [\d.]+ times as long\n$/);
  });

  it("refuses a folder that is not a checkout", async () => {
    await expect(against(join(ROOT, "docs"))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("docs is not a checkout of this repository"),
    });
  });
});
