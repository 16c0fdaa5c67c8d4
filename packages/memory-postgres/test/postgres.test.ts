import { sharedServer } from "@rivet/local-servers";
import { DatabaseManager } from "@rivet/db-manager";
import { AtomClock, fitsRoom, MemoryError, Session, type AtomRow } from "@rivet/memory-core";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { bitsOfId, schemaStatements } from "@rivet/postgres-schema";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { chunksOf, STATEMENT_LIMITS } from "../src/write/limits.ts";
import { idOfBits } from "../src/statements/rows.ts";
import { timestampText } from "../src/statements/timestamps.ts";
import { readHeads } from "./stored-heads.ts";

const server = sharedServer({ beforeAll, afterAll }, { settings: { shared_preload_libraries: "pg_stat_statements" } });

async function openStorage(url: string, options: PostgresMemoryStorageOptions = {}): Promise<PostgresMemoryStorage> {
  const storage = new PostgresMemoryStorage({ connectionString: url, ...options });
  onTestFinished(() => storage.close());
  return storage.open();
}

function addTurn(session: Session): void {
  session.addUserMessage("The drive trips with F0002.");
  session.addAssistantMessage("Is the ramp-down time short?");
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** Returns the number of statements that the server has run for a database since its counters were reset. */
async function statementCount(url: string): Promise<number> {
  const rows = await server().query(
    `SELECT COALESCE(sum(calls), 0)::int AS calls FROM pg_stat_statements
     JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1`,
    [databaseOf(url)],
  );
  return Number(rows[0]?.["calls"]);
}

async function countedDatabase(): Promise<string> {
  await server().query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  return server().createDatabase();
}

describe("the statements of PostgresMemoryStorage", () => {
  it("are one a save, whatever is in it, also with ifUnchanged", async () => {
    const url = await countedDatabase();
    const storage = await openStorage(url);
    const session = new Session({ userId: "ada", storage, metadata: { plant: "north" } });
    let before = await statementCount(url);
    const expectOne = async (): Promise<void> => {
      const now = await statementCount(url);
      expect(now - before).toBe(1);
      before = now;
    };
    await session.save();
    await expectOne();
    for (const options of [{}, { ifUnchanged: true }]) {
      addTurn(session);
      await session.save(options);
      await expectOne();
      session.setMetadata("turn", 1);
      addTurn(session);
      await session.save(options);
      await expectOne();
    }
    await storage.saveMemoryAtoms(
      ["a", "b", "c"].map((sessionId) => ({ sessionId, userId: "ada", memoryType: "log", content: 1 })),
    );
    await expectOne();
  });

  it("are two for fifty sessions that save together", async () => {
    const url = await countedDatabase();
    const storage = await openStorage(url);
    const sessions = Array.from({ length: 50 }, () => new Session({ userId: "ada", storage }));
    const before = await statementCount(url);
    await Promise.all(sessions.map((session) => session.save()));
    expect((await statementCount(url)) - before).toBe(2);
    const { stored, expected } = await readHeads(url);
    expect(stored).toEqual(expected);
    expect(stored).toHaveLength(50);
  });

  it("are one a session when no statement may touch two", async () => {
    const url = await countedDatabase();
    const storage = await openStorage(url, { oneSessionPerStatement: true });
    const sessions = Array.from({ length: 5 }, () => new Session({ userId: "ada", storage }));
    const before = await statementCount(url);
    await Promise.all(sessions.map((session) => session.save()));
    expect((await statementCount(url)) - before).toBe(5);
  });

  it("are one a save in a session that was cleared, too", async () => {
    const url = await countedDatabase();
    const storage = await openStorage(url);
    const session = new Session({ userId: "ada", storage });
    addTurn(session);
    await session.save();
    session.clearHistory();
    await session.save();
    const before = await statementCount(url);
    for (let turn = 1; turn <= 3; turn++) {
      addTurn(session);
      await session.save();
      expect((await statementCount(url)) - before).toBe(turn);
    }
    const { stored, expected } = await readHeads(url);
    expect(stored).toEqual(expected);
  });

  it("are one a load, a page and a list", async () => {
    const url = await countedDatabase();
    const storage = await openStorage(url);
    const session = new Session({ userId: "ada", sessionId: "s", storage });
    addTurn(session);
    await session.save();
    const reads = [
      () => storage.loadSession("s"),
      () => storage.loadSession("s", { userId: "ada", lastMessages: 1 }),
      () => storage.queryMemoryAtoms({ userId: "ada" }),
      () => storage.queryMemoryAtoms({ sessionId: "s", memoryType: ["log", "message_user"] }),
      () => storage.listSessions({ userId: "ada" }),
    ];
    for (const read of reads) {
      const before = await statementCount(url);
      await read();
      expect((await statementCount(url)) - before).toBe(1);
    }
  });
});

describe("one refused write among many that share a statement", () => {
  it("takes nobody along", async () => {
    const url = await server().createDatabase();
    const storage = await openStorage(url);
    const id = storage.clock.next();
    const atom = { id, sessionId: "taken", userId: "ada", memoryType: "log" };
    await storage.saveMemoryAtom({ ...atom, content: "first" });
    await new Session({ userId: "bob", sessionId: "bob's", storage }).save();
    const fine = Array.from({ length: 20 }, () => new Session({ userId: "ada", storage }));
    const results = await Promise.allSettled([
      storage.saveMemoryAtom({ ...atom, content: "second" }),
      new Session({ userId: "ada", sessionId: "bob's", storage, metadata: { by: "ada" } }).save(),
      storage.saveMemoryAtom({
        sessionId: "early",
        userId: "ada",
        memoryType: "log",
        content: 1,
        createdAt: new Date(-8e15),
      }),
      ...fine.map((session) => session.save()),
    ]);
    const codes = results.map((result) =>
      result.status === "fulfilled" ? "saved" : MemoryError.isInstance(result.reason) && result.reason.code,
    );
    expect(codes).toEqual(["conflict", "permission", "invalid_input", ...fine.map(() => "saved")]);
    const { stored, expected } = await readHeads(url);
    expect(stored).toEqual(expected);
  });
});

describe("a write that is too large for one statement", () => {
  it("is all or nothing, and in one step for readers", async () => {
    const url = await server().createDatabase();
    const storage = await openStorage(url);
    const id = storage.clock.next();
    const atom = { sessionId: "s", userId: "ada", memoryType: "log" };
    await storage.saveMemoryAtom({ ...atom, id, content: "first" });
    const many = Array.from({ length: 2_500 }, (_, index) => ({ ...atom, sessionId: `s${index % 7}`, content: index }));
    await expect(storage.saveMemoryAtoms([...many, { ...atom, id, content: "other" }])).rejects.toMatchObject({
      code: "conflict",
      atomId: id,
      outcome: "not_applied",
    });
    expect((await readHeads(url)).atomIds).toEqual([id]);
    await storage.saveMemoryAtoms(many);
    const { stored, expected, atomIds } = await readHeads(url);
    expect(atomIds).toHaveLength(2_501);
    expect(stored).toEqual(expected);
  });
});

describe("the schema", () => {
  it("stands beside others in one database, under any name", async () => {
    const url = await server().createDatabase();
    const left = await openStorage(url, { schema: 'Left "Quoted" Schema' });
    const right = await openStorage(url, { schema: "right" });
    await new Session({ userId: "ada", sessionId: "s", storage: left }).save();
    expect(await right.loadSession("s")).toBeNull();
    expect(await left.loadSession("s")).not.toBeNull();
  });

  it("is not touched with migrate: false, and the error says what to run; what it says then works", async () => {
    const url = await server().createDatabase();
    const storage = new PostgresMemoryStorage({ connectionString: url, migrate: false });
    onTestFinished(() => storage.close());
    const error: unknown = await storage.open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "schema", backend: "postgres", operation: "open" });
    expect(String(error)).toContain("schemaStatements");
    for (const statement of schemaStatements()) await server().query(statement, [], databaseOf(url));
    await storage.open();
    await new Session({ userId: "ada", storage }).save();
  });

  it("that is newer than the code is refused", async () => {
    const url = await server().createDatabase();
    await (await openStorage(url)).close();
    await server().query("UPDATE rivet_store SET schema_version = 99", [], databaseOf(url));
    await expect(openStorage(url)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining("upgrade"),
    });
  });

  it("that a role may not create gives permission, and says what to do", async () => {
    const url = await server().createDatabase();
    await server().query("CREATE ROLE guest LOGIN PASSWORD 'guest-password'");
    const guest = server().url(databaseOf(url), "guest", "guest-password");
    const error: unknown = await openStorage(guest).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "permission", retryable: false });
    expect(String(error)).toMatch(/GRANT CREATE.*schemaStatements/);

    // Once the tables are there, it needs no more than the right to use them.
    await (await openStorage(url)).close();
    await server().query(
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest",
      [],
      databaseOf(url),
    );
    const storage = await openStorage(guest);
    await new Session({ userId: "ada", storage }).save();
  });
});

describe("the options of PostgresMemoryStorage", () => {
  const db = new DatabaseManager({ providers: [{ name: "local", connectionString: "postgres://localhost/none" }] });
  it.each([
    ["options.connectionString", { db, connectionString: "postgres://localhost/none" }],
    ["options.connectionString", { connectionString: "" }],
    ["options.migrate", { db, migrate: "yes" }],
    ["options.oneSessionPerStatement", { db, oneSessionPerStatement: 1 }],
    ["options.schema", { db, schema: "" }],
    ["options.partitions", { db, partitions: 0 }],
  ])("%s is refused with its path", (path, options) => {
    // @ts-expect-error the point is options of any type
    const construct = (): unknown => new PostgresMemoryStorage(options);
    expect(construct).toThrow(expect.objectContaining({ name: "MemoryError", code: "invalid_input", path }));
  });

  it("leave a manager that was given open", async () => {
    const url = await server().createDatabase();
    const own = new DatabaseManager({ providers: [{ name: "local", connectionString: url }] });
    onTestFinished(() => own.close());
    await (await new PostgresMemoryStorage({ db: own }).open()).close();
    expect((await own.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it("take the database from the environment, and say which variables they looked at when there is none", () => {
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    for (const name of Object.keys(process.env)) if (/_DB_URL$|^DATABASE_/.test(name)) delete process.env[name];
    expect(() => new PostgresMemoryStorage()).toThrow(
      expect.objectContaining({
        name: "MemoryError",
        code: "invalid_input",
        message: expect.stringMatching(/DATABASE_URL.*NEON_DB_URL|NEON_DB_URL.*DATABASE_URL/s),
      }),
    );
  });
});

describe("rows", () => {
  it("keep times of any year that JavaScript has", () => {
    expect(timestampText(Date.UTC(2026, 10, 23, 7, 1, 2, 3))).toBe("2026-11-23T07:01:02.003Z");
    expect(timestampText(Date.parse("+012026-11-23T00:00:00Z"))).toBe("12026-11-23T00:00:00.000Z");
    expect(timestampText(Date.parse("-000043-03-15T00:00:00Z"))).toBe("0044-03-15T00:00:00.000Z BC");
    expect(timestampText(Date.parse("0000-12-31T00:00:00Z"))).toBe("0001-12-31T00:00:00.000Z BC");
  });

  it("give an XOR of ids as 128 bits, and take it back", () => {
    const id = "01a2077e-89f1-7000-80c7-d5fa13a2d80f";
    const bits = [...id.replaceAll("-", "")].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0"));
    expect(idOfBits(bits.join(""))).toBe(id);
    expect(bitsOfId(id)).toBe("x01a2077e89f1700080c7d5fa13a2d80f");
    expect(idOfBits("0".repeat(128))).toBe("00000000-0000-0000-0000-000000000000");
  });

  it("go into as many statements as they need, in their order", () => {
    const clock = new AtomClock();
    const row = (units: number): AtomRow => ({
      sessionId: "s",
      id: clock.next(),
      userId: "u",
      memoryType: "log",
      content: "x".repeat(units),
      metadata: "{}",
      createdAtMs: 0,
      expiresAtMs: null,
    });
    const many = Array.from({ length: 2_001 }, () => row(1));
    expect(chunksOf(many).map(({ length }) => length)).toEqual([1_000, 1_000, 1]);
    expect(chunksOf(many).flat()).toEqual(many);
    const large = [row(3_000_000), row(3_000_000), row(9_000_000), row(1)];
    expect(chunksOf(large).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    expect(fitsRoom([row(9_000_000)], STATEMENT_LIMITS)).toBe(true);
    expect(fitsRoom(large, STATEMENT_LIMITS)).toBe(false);
    expect(chunksOf([])).toEqual([]);
  });
});
