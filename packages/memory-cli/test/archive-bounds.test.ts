import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { atLength } from "@rivet/local-servers";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HEADER } from "../src/archive/format.ts";
import { nextPageLength } from "../src/archive/write.ts";
import { rivetMemory, type Run } from "./cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-archive-bounds-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const MAX_MEMORY_KB = 256 * 1024;
/** Prints the most memory that the process has had, at its end. */
const WATCH = `process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS + "\\n"))`;

async function measured(arguments_: readonly string[]): Promise<Run & { readonly peakKB: number }> {
  const options = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WATCH)}` };
  const run = await rivetMemory(arguments_, options);
  return { ...run, peakKB: Number(/^peak (\d+)$/m.exec(run.stderr)?.[1]) };
}

async function writeArchiveFile(name: string, chunks: Iterable<string>): Promise<string> {
  const file = join(folder, name);
  const target = createWriteStream(file);
  const text = Readable.from(chunks);
  if (name.endsWith(".gz")) await pipeline(text, createGzip({ level: 1 }), target);
  else await pipeline(text, target);
  return file;
}

const ID = "01900000-0000-7000-8000-000000000000";
const tombstone = (sessionId: string): string =>
  `{"tombstone":{"sessionId":"${sessionId}","id":"${ID}","deletedAtMs":1}}\n`;

describe("an import", () => {
  it("refuses a block of 4,000,000 lines at the first line that is too much, in little memory", async () => {
    const lines = tombstone("s").repeat(1_000);
    const file = await writeArchiveFile("block.jsonl.gz", [
      `${HEADER}\n`,
      ...Array.from({ length: 4_000 }, () => lines),
    ]);
    const run = await measured(["import", file, `sqlite:${join(folder, "never.db")}`]);
    expect(run).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining("line 502 is in a block of more than 500"),
    });
    expect(run.peakKB).toBeLessThan(MAX_MEMORY_KB);
  });

  it("refuses a line of 500 MB that is compressed to little, in little memory", async () => {
    const spaces = " ".repeat(1_000_000);
    const file = await writeArchiveFile("line.jsonl.gz", [`${HEADER}\n`, ...Array.from({ length: 510 }, () => spaces)]);
    expect((await stat(file)).size).toBeLessThan(5_000_000);
    const run = await measured(["import", file, `sqlite:${join(folder, "never.db")}`]);
    expect(run).toMatchObject({ exitCode: 5, stderr: expect.stringMatching(/line 2 is longer than \d+ bytes/) });
    expect(run.peakKB).toBeLessThan(MAX_MEMORY_KB);
  });

  it.each([1_001, 5_000, 200_000])("refuses content of %i levels, and names the line", async (levels) => {
    const content = "[".repeat(levels) + "]".repeat(levels);
    const atom = `{"atom":{"sessionId":"s","id":"${ID}","userId":"ada","memoryType":"log","createdAtMs":1,"content":${content},"metadata":{}}}\n`;
    const file = join(folder, `deep-${levels}.jsonl`);
    await writeFile(file, `${HEADER}\n${atom}`);
    const run = await rivetMemory(["import", file, `sqlite:${join(folder, "never.db")}`]);
    expect(run).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/line 2 is nested deeper than 100\d levels/),
    });
  });
});

/** Atoms of 12 MB, which make a file that is larger than the heap of the process. */
const { ATOMS, HEAP_MB } = atLength({ usually: { ATOMS: 9, HEAP_MB: 96 }, long: { ATOMS: 18, HEAP_MB: 192 } });

describe("an export", () => {
  it("reads and writes atoms of many megabytes in bounded memory, and an import does too", async () => {
    const path = join(folder, "large.db");
    {
      await using storage = new SQLiteStorage(path);
      const large = { sessionId: "s", userId: "ada", memoryType: "log" };
      for (let number = 0; number < ATOMS; number++)
        await storage.saveMemoryAtom({ ...large, content: String(number).padEnd(12_000_000, "x") });
    }
    const file = join(folder, "large.jsonl");
    // All of the file together would not fit; some atoms of 12 MB do, each in several forms.
    const small = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
    const exported = await rivetMemory(["export", `sqlite:${path}`, file], small);
    expect(exported.exitCode, exported.stderr).toBe(0);
    expect((await stat(file)).size).toBeGreaterThan(ATOMS * 12_000_000);
    const imported = await rivetMemory(["import", file, `sqlite:${join(folder, "large-copy.db")}`], small);
    expect(imported).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(new RegExp(`^${ATOMS} atoms were new`)),
    });
  });

  it("asks for pages by the size of the atoms in the last one", () => {
    const row = (units: number) => ({
      sessionId: "s",
      id: ID,
      userId: "ada",
      memoryType: "log",
      content: "x".repeat(units),
      metadata: "{}",
      createdAtMs: 0,
      expiresAtMs: null,
    });
    expect(
      nextPageLength(
        16,
        Array.from({ length: 16 }, () => row(100)),
      ),
    ).toBe(64);
    expect(
      nextPageLength(
        400,
        Array.from({ length: 400 }, () => row(100)),
      ),
    ).toBe(500);
    expect(nextPageLength(16, [row(9_000_000), row(9_000_000)])).toBe(1);
  });
});
