import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { rivetMemory } from "./cli.ts";

const NIL_ID = "00000000-0000-0000-0000-000000000000";

interface Stores {
  readonly folder: string;
  readonly from: string;
  readonly to: string;
  /** The sessions of the target, with how many atoms each has. */
  left(): Promise<Record<string, number>>;
}

/**
 * A source in which Ada has deleted a session and Bob an atom of his, and a target that has both still, and a session
 * of Carol's with the id that Ada deleted in the source.
 */
async function stores(): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-selection-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const paths = { from: join(folder, "from.db"), to: join(folder, "to.db") };
  await using source = new SQLiteStorage(paths.from);
  await using target = new SQLiteStorage(paths.to);
  const save = (sessionId: string, userId: string) =>
    source.saveMemoryAtom({ sessionId, userId, memoryType: "log", content: sessionId });
  const atoms = [await save("of ada", "ada"), await save("of bob", "bob"), await save("of bob", "bob")];
  await target.saveMemoryAtoms(atoms);
  await source.deleteSession("of ada");
  await source.deleteMemoryAtoms("of bob", [atoms[1]?.id ?? ""]);
  await save("of eve", "eve");
  await save("of carol", "eve");
  await source.deleteSession("of carol");
  await target.saveMemoryAtom({ sessionId: "of carol", userId: "carol", memoryType: "log", content: 1 });
  const left = async (): Promise<Record<string, number>> => {
    await using storage = new SQLiteStorage(paths.to);
    const counts: Record<string, number> = {};
    for await (const { sessionId } of storage.atoms()) counts[sessionId] = (counts[sessionId] ?? 0) + 1;
    return counts;
  };
  return { folder, from: `sqlite:${paths.from}`, to: `sqlite:${paths.to}`, left };
}

/** The same by a copy, and by an export and an import. */
const WAYS = {
  copy: async ({ from, to }: Stores, ...options: readonly string[]) => rivetMemory(["copy", from, to, ...options]),
  import: async ({ folder, from, to }: Stores, ...options: readonly string[]) => {
    const file = join(folder, "all.jsonl");
    await rivetMemory(["export", from, file]);
    return rivetMemory(["import", file, to, ...options]);
  },
};

describe.each(Object.entries(WAYS))("%s", (_, bring) => {
  it("says what its deletions remove, removes it, and leaves the session of another user with the same id", async () => {
    const all = await stores();
    const run = await bring(all);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/2 atoms will be removed .*1 whole sessions among them \(of ada\)/);
    expect(await all.left()).toEqual({ "of bob": 1, "of carol": 1, "of eve": 1 });
  });

  it("removes nothing with --no-deletions", async () => {
    const all = await stores();
    const run = await bring(all, "--no-deletions");
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain("will be removed");
    expect(await all.left()).toEqual({ "of ada": 1, "of bob": 2, "of carol": 1, "of eve": 1 });
  });

  it("brings the atoms and deletions of one user with --user, and nothing of another", async () => {
    const all = await stores();
    expect((await bring(all, "--user", "bob")).exitCode).toBe(0);
    expect(await all.left()).toEqual({ "of ada": 1, "of bob": 1, "of carol": 1 });
  });
});

describe("an archive of version 1", () => {
  it("is read, and its deletions, which name no owner, are said before they are carried out", async () => {
    const all = await stores();
    const lines = [`{"tombstone":{"sessionId":"of ada","id":"${NIL_ID}","deletedAtMs":1}}\n`];
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    const facts = lines.join("");
    const body = `{"format":"rivet-memory archive","version":1}\n${facts}{"block":1,"lines":1,"sha256":"${sha256(facts)}"}\n`;
    const file = join(all.folder, "old.jsonl");
    await writeFile(file, `${body}{"end":{"atoms":0,"tombstones":1},"sha256":"${sha256(body)}"}\n`);
    expect(await readFile(file, "utf8")).toContain('"version":1');
    const run = await rivetMemory(["import", file, all.to]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain("1 atoms will be removed");
    expect(await all.left()).toEqual({ "of bob": 2, "of carol": 1 });
  });
});
