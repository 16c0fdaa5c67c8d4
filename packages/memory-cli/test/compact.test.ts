import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { expect, it, onTestFinished } from "vitest";
import { isFine } from "../src/doctor/finding.ts";
import { examineSQLite } from "../src/doctor/sqlite.ts";
import { rivetMemory } from "./cli.ts";

const SECRET = "the-secret-of-ada";

async function fileWithErasure(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-compact-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "agent.db");
  await using storage = new SQLiteStorage(path, { maxCompactionBytes: 0 });
  const atoms = Array.from({ length: 300 }, (_, index) => ({
    sessionId: `s${index % 7}`,
    userId: "ada",
    memoryType: "log",
    content: `${SECRET} ${"x".repeat(index)}`,
  }));
  await storage.saveMemoryAtoms(atoms);
  expect((await storage.deleteUser("ada")).residue).toMatchObject([{ place: "file", reason: "size" }]);
  return path;
}

it("compact makes a file smaller, leaves no byte of what was erased, and says how large it was", async () => {
  const path = await fileWithErasure();
  const run = await rivetMemory(["compact", `sqlite:${path}`, "--json"]);
  expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  const { bytesBefore, bytesAfter, residue } = JSON.parse(run.stdout);
  expect(residue).toEqual([]);
  expect(bytesAfter).toBeLessThanOrEqual(bytesBefore);
  expect((await stat(path)).size).toBe(bytesAfter);
  expect((await readFile(path)).includes(SECRET)).toBe(false);
});

it("compact refuses what is no SQLite file, and one that is not there", async () => {
  expect(await rivetMemory(["compact", "memory:"])).toMatchObject({ exitCode: 2 });
  const run = await rivetMemory(["compact", `sqlite:${tmpdir()}/rivet-never-there/agent.db`]);
  expect(run).toMatchObject({ exitCode: 2, stdout: "" });
});

it("the doctor warns of a file, a log and a folder to which other users of the machine have rights", async () => {
  const path = await fileWithErasure();
  const rights = async (): Promise<string[]> =>
    (await examineSQLite(path))
      .filter((finding) => !isFine(finding))
      .map(({ subject, topic, text }) => `${subject} ${topic}: ${text}`);
  expect(await rights()).toEqual([]);
  await chmod(path, 0o644);
  expect(await rights()).toContain(`${path} rights: other users of this machine have rights to it (644)`);
  await chmod(path, 0o600);
  await chmod(join(path, ".."), 0o755);
  expect((await rights()).join()).toMatch(/rights to its folder .* \(755\)/);
});
