import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeWithConsent } from "../src/removal.ts";
import { rivetMemory } from "./cli.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-consent-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file with twelve logs, of which two have expired by the time that the command looks. */
async function newFile(name: string): Promise<{ url: string; count: () => Promise<number> }> {
  const path = join(folder, `${name}.db`);
  const log = { sessionId: "s", userId: "ada", memoryType: "log" };
  await using storage = new SQLiteStorage(path);
  const expiresAt = new Date(Date.now() + 1);
  await storage.saveMemoryAtoms([
    ...Array.from({ length: 10 }, (_, content) => ({ ...log, content })),
    { ...log, content: 10, expiresAt },
    { ...log, content: 11, expiresAt },
  ]);
  const count = async (): Promise<number> => {
    await using again = new SQLiteStorage(path);
    return (await again.queryMemoryAtoms({ sessionId: "s" })).length;
  };
  return { url: `sqlite:${path}`, count };
}

describe("prune", () => {
  it("refuses to remove what has not expired without --yes where nobody can be asked", async () => {
    const { url, count } = await newFile("no word");
    const run = await rivetMemory(["prune", url, "--keep-last", "3"]);
    expect(run).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringMatching(/--dry-run.*--yes/) });
    expect(await count()).toBe(10);
  });

  it("counts with --dry-run exactly what it removes with --yes", async () => {
    const { url, count } = await newFile("dry run");
    const counted = await rivetMemory(["prune", url, "--keep-last", "3", "--dry-run", "--json"]);
    expect(await count()).toBe(10);
    const removed = await rivetMemory(["prune", url, "--keep-last", "3", "--yes", "--json"]);
    const counts = { atoms: 9, expired: 2, messages: 0, atomsByType: { log: 9 } };
    expect(JSON.parse(counted.stdout)).toMatchObject({ isDryRun: true, ...counts, acceptedBy: [] });
    expect(JSON.parse(removed.stdout)).toMatchObject({ isDryRun: false, ...counts, acceptedBy: ["sqlite"] });
    expect(await count()).toBe(3);
  });

  it("needs no --yes for what has expired alone", async () => {
    const { url } = await newFile("expired");
    expect((await rivetMemory(["prune", url])).stdout).toMatch(/^2 atoms removed, 2 of them because they had expired/);
  });
});

describe("a command that removes for good", () => {
  it.each([true, false])("does what the answer to its question says when that is %s", async (answer) => {
    const asked: string[] = [];
    const context = {
      signal: new AbortController().signal,
      showsProgress: false,
      journalPath: undefined,
      confirm: async (question: string) => {
        asked.push(question);
        return answer;
      },
      startProgress: () => ({ update: () => {}, stop: () => {} }),
      open: neverOpened,
      openToChange: neverOpened,
      openOrCreate: neverOpened,
    };
    const outcome = await removeWithConsent(
      context,
      {},
      {
        name: "prune",
        count: async () => ({ json: {}, text: "9 atoms would be removed." }),
        remove: async () => ({ json: {}, text: "9 atoms removed." }),
      },
    );
    expect(asked).toEqual([expect.stringMatching(/^9 atoms would be removed\./)]);
    expect(outcome.text).toBe(answer ? "9 atoms removed." : "Nothing was changed.");
  });
});

function neverOpened(): Promise<never> {
  throw new Error("the test opens no storage");
}
