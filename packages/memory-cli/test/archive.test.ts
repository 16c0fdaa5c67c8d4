import { once as onceOf } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { AtomClock, Session, type MemoryStorage } from "@rivet/memory-core";
import { sharedServer, until } from "@rivet/local-servers";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Imported } from "../src/archive/merge.ts";
import { mergeFacts } from "../src/archive/merge.ts";
import { checkArchive, checkedFacts } from "../src/archive/read.ts";
import { archiveOf, factsOf } from "../src/archive/write.ts";
import { rivetMemory, start } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-archive-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const NEVER = new AbortController().signal;
const IGNORED = { onProgress: () => {}, onLeftOut: () => {} };

async function exported(storage: MemoryStorage): Promise<Buffer> {
  const parts: string[] = [];
  for await (const part of archiveOf(factsOf(storage, NEVER), IGNORED)) parts.push(part);
  return Buffer.from(parts.join(""));
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Imports whole blocks, and throws what reading them throws. */
async function imported(storage: MemoryStorage, archive: Buffer): Promise<Imported> {
  const result: Imported = { inserted: 0, removed: 0, refused: [] };
  const checked = await checkArchive(once(archive), { signal: NEVER });
  for await (const facts of checkedFacts(once(archive), checked, { signal: NEVER }))
    await mergeFacts(storage, facts, result);
  if (checked.damage !== undefined) throw checked.damage;
  return result;
}

/** Sessions, facts of types that nobody knows, any string, an expiry, a deletion of an atom and of a session. */
async function fill(storage: MemoryStorage): Promise<void> {
  const session = new Session({
    userId: "ada \ud800",
    sessionId: "line \ud800 3",
    storage,
    metadata: { __proto__: 1, b: 2, a: 1 },
  });
  session.addUserMessage("NUL \0, a lone surrogate \udc00, \u2028 and a line\nfeed");
  session.addAssistantMessage([
    { type: "tool-call", toolCallId: "c", toolName: "read", input: { z: 1, a: [1.5, -0, 1e300] } },
  ]);
  await session.save();
  const about = { sessionId: "facts", userId: "bob" };
  const [first] = await storage.saveMemoryAtoms([
    { ...about, memoryType: "unheard of", content: { deep: { z: null, a: [] } }, metadata: { source: "x" } },
    { ...about, memoryType: "log", content: "until 2100", expiresAt: new Date("2100-01-01") },
  ]);
  await storage.deleteMemoryAtoms("facts", [first?.id ?? ""]);
  await storage.saveMemoryAtom({ sessionId: "gone", userId: "bob", memoryType: "log", content: 1 });
  await storage.deleteSession("gone");
}

async function filled(): Promise<MemoryStorage> {
  const storage = new InMemoryStorage();
  await fill(storage);
  return storage;
}

describe("an archive", () => {
  it("gives the same bytes after an import, whatever backend it went through", async () => {
    const archive = await exported(await filled());
    const path = join(folder, "same.db");
    await using sqlite = new SQLiteStorage(path);
    await using postgres = new PostgresMemoryStorage({ connectionString: await server().createDatabase() });
    for (const storage of [new InMemoryStorage(), sqlite, postgres]) {
      expect(await imported(storage, archive)).toMatchObject({ inserted: 4, refused: [] });
      expect((await exported(storage)).toString()).toBe(archive.toString());
      expect(await imported(storage, archive)).toMatchObject({ inserted: 0, removed: 0, refused: [] });
    }
  });

  it(
    "that was cut off at any byte, or had any byte changed, is refused, and names the line",
    { timeout: 120_000 },
    async () => {
      const archive = await exported(await filled());
      for (let length = 0; length < archive.length; length++) {
        const target = new InMemoryStorage();
        await expect(imported(target, archive.subarray(0, length)), `cut off at ${length}`).rejects.toMatchObject({
          code: "corrupt",
          message: expect.stringMatching(/^line \d+ /),
        });
      }
      for (let position = 0; position < archive.length; position++) {
        const changed = Buffer.from(archive);
        changed[position] = (changed[position] ?? 0) ^ 1;
        await expect(imported(new InMemoryStorage(), changed), `changed at ${position}`).rejects.toMatchObject({
          code: expect.stringMatching(/^(corrupt|schema)$/),
        });
      }
    },
  );

  it("that is damaged has given nothing but whole blocks", async () => {
    const storage = new InMemoryStorage();
    const clock = new AtomClock();
    const atoms = Array.from({ length: 1_200 }, (_, index) => ({
      id: clock.next(),
      sessionId: "s",
      userId: "ada",
      memoryType: "log",
      content: index,
    }));
    await storage.saveMemoryAtoms(atoms);
    const archive = await exported(storage);
    const target = new InMemoryStorage();
    await expect(imported(target, archive.subarray(0, archive.length - 200))).rejects.toMatchObject({
      code: "corrupt",
    });
    expect(await target.queryMemoryAtoms({ sessionId: "s", limit: 10_000 })).toHaveLength(1_000);
  });

  it("of a later version, or with a field of one, is refused and not read in part", async () => {
    const archive = (await exported(await filled())).toString();
    await expect(
      imported(new InMemoryStorage(), Buffer.from(archive.replace('"version":2', '"version":3'))),
    ).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining("version 3"),
    });
    await expect(
      imported(new InMemoryStorage(), Buffer.from(archive.replace('"userId"', '"mood":1,"userId"'))),
    ).rejects.toThrow(/line \d+ has a field "mood"/);
  });

  it("brings nothing back that was deleted, or erased with its user, since it was made", async () => {
    const storage = await filled();
    const archive = await exported(storage);
    await storage.deleteUser("ada \ud800");
    await storage.deleteSession("facts");
    const before = await exported(storage);
    await imported(storage, archive);
    expect((await exported(storage)).toString()).toBe(before.toString());
    expect(await storage.listSessions()).toEqual([]);
  });

  it("says which atoms a storage refuses, and brings it all others", async () => {
    const source = new InMemoryStorage();
    const id = new AtomClock().next();
    const atom = { id, sessionId: "s", userId: "ada", memoryType: "log" };
    await source.saveMemoryAtoms([
      { ...atom, content: 1 },
      { ...atom, id: new AtomClock().next(), sessionId: "other", content: 1 },
    ]);
    const target = new InMemoryStorage();
    await target.saveMemoryAtom({ ...atom, content: 2 });
    const { inserted, refused } = await imported(target, await exported(source));
    expect(inserted).toBe(1);
    expect(refused).toMatchObject([{ row: { id }, error: { code: "conflict" } }]);
  });
});

describe("export and import", () => {
  it("go through files, compressed files and streams", async () => {
    const path = join(folder, "source.db");
    const url = `sqlite:${path}`;
    {
      await using storage = new SQLiteStorage(path);
      await fill(storage);
    }
    const plain = join(folder, "plain.jsonl");
    expect(await rivetMemory(["export", url, plain])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^6 atoms and deletions/),
    });
    const compressed = join(folder, "compressed.jsonl.gz");
    await rivetMemory(["export", url, compressed]);
    const { stdout } = await rivetMemory(["export", url, "-"]);
    expect(stdout).toBe(await readFile(plain, "utf8"));
    expect(await rivetMemory(["export", url, "-", "--json"])).toMatchObject({ exitCode: 0, stdout });
    const target = `sqlite:${join(folder, "target.db")}`;
    expect(await rivetMemory(["import", compressed, target])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^4 atoms were new/),
    });
    expect(await rivetMemory(["verify", url, target])).toMatchObject({ exitCode: 0 });
    expect(await rivetMemory(["import", "-", target], {}, stdout)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^0 atoms were new/),
    });
  });

  it("use nothing of a damaged file, or with --partial what is whole, and make no storage for it", async () => {
    const archive = gzipSync(await exported(await filled()));
    const file = join(folder, "damaged.jsonl.gz");
    await writeFile(file, archive.subarray(0, archive.length - 20));
    const target = join(folder, "never.db");
    const refused = await rivetMemory(["import", file, `sqlite:${target}`]);
    expect(refused).toMatchObject({
      exitCode: 5,
      stdout: "",
      stderr: expect.stringMatching(/line \d+ cannot be read: .*damaged, or was cut off/),
    });
    await expect(readFile(target)).rejects.toThrow("ENOENT");
    const partial = await rivetMemory(["import", file, `sqlite:${target}`, "--partial"]);
    expect(partial).toMatchObject({ exitCode: 5, stdout: expect.stringMatching(/All up to line \d+ was used/) });
  });

  it("makes no storage for a file that is not there, or is of a later version, with --partial either", async () => {
    const later = join(folder, "later.jsonl");
    await writeFile(later, (await exported(await filled())).toString().replace('"version":2', '"version":3'));
    const target = join(folder, "not made.db");
    for (const [file, exitCode] of [
      [join(folder, "missing.jsonl"), 2],
      [later, 4],
    ] as const) {
      expect(await rivetMemory(["import", file, `sqlite:${target}`, "--partial"])).toMatchObject({ exitCode });
      await expect(readFile(target)).rejects.toThrow("ENOENT");
    }
  });

  it("ends at Ctrl-C while it waits for its stdin", async () => {
    const child = start(["import", "-", `sqlite:${join(folder, "waiting.db")}`, "--json"], { TMPDIR: folder });
    const exit = onceOf(child, "exit");
    const said = text(child.stderr);
    await until(async () => expect((await readdir(folder)).join()).toContain("rivet-import-"));
    child.kill("SIGINT");
    expect(await exit).toEqual([130, null]);
    expect(JSON.parse(await said)).toMatchObject({ error: { code: "interrupted" } });
    expect((await readdir(folder)).join()).not.toContain("rivet-import-");
  });
});
