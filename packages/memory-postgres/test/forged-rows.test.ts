import { sharedServer, until } from "@rivet/local-servers";
import { AtomClock, type AtomRow } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { journalPath, NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });

/** An escape of the letter `a`, which no string is stored with. */
const FORGED = "\u00100061lice";
/** An id of version 4. */
const FORGED_ID = "b0b0b0b0-b0b0-40b0-80b0-b0b0b0b0b0b0";
/** Changes that a direct connection makes to an atom of the session of the same name, by column. */
const FORGERIES: Readonly<Record<string, readonly [table: string, change: string, value: string][]>> = {
  "the session id": ["session_memories", "session_heads", "replication_hints"].map((table) => [
    table,
    "session_id = $2",
    FORGED,
  ]),
  "the user": ["session_memories", "session_heads"].map((table) => [table, "user_id = $2", FORGED]),
  "the type": [["session_memories", "memory_type = $2", FORGED]],
  "the content": [["session_memories", "content = $2", JSON.stringify(FORGED)]],
  "a key of the metadata": [["session_memories", "metadata = $2", JSON.stringify({ [FORGED]: 1 })]],
  "the id": ["session_memories", "replication_hints"].map((table) => [table, "id = $2", FORGED_ID]),
};

async function held(storage: PostgresMemoryStorage): Promise<string[]> {
  const atoms = await storage.queryMemoryAtoms({ limit: 100 });
  return [...atoms, ...atoms.unreadable].map(({ sessionId }) => sessionId).sort();
}

it("rows that were forged at one provider are refused by the others and reported, and all other rows arrive", async () => {
  const providers = await ThreeProviders.start(server());
  const storage = await providers.storage();
  providers.cut("refuse", "supabase", "railway");
  const kinds = Object.keys(FORGERIES);
  const atom = { userId: "ada", memoryType: "log", content: 1 };
  const good = ["before all", "with a \u0010 in its name", "zz after all"];
  for (const sessionId of good) await storage.saveMemoryAtom({ ...atom, sessionId });
  for (const sessionId of kinds) await storage.saveMemoryAtom({ ...atom, sessionId });
  await until(async () => expect((await storage.getReplicationStatus()).unreachable).toEqual(["supabase", "railway"]));
  for (const [kind, changes] of Object.entries(FORGERIES)) {
    for (const [table, change, value] of changes) {
      const sql = `UPDATE public.${table} SET ${change} WHERE session_id = $1`;
      await server().query(sql, [kind, value], providers.database("neon"));
    }
  }
  providers.cut("pass", "supabase", "railway");
  await until(async () => {
    const { pairs } = await storage.getReplicationStatus();
    expect(pairs.reduce((sum, { hints }) => sum + hints, 0)).toBe(0);
    for (const name of NAMES.slice(1)) expect(await held(providers.at(name))).toEqual([...good].sort());
  });
  const { deadLetters } = await storage.getReplicationStatus();
  const refused = deadLetters.map(({ to, code, message }) => `${to} ${code} ${message.replace(/.*is refused: /, "")}`);
  expect(refused.sort()).toEqual(
    NAMES.slice(1)
      .flatMap((name) => [
        ...["sessionId", "userId", "memoryType", "content", "metadata"].map(
          (field) => `${name} invalid_input its ${field} contains an invalid escape, which this package never writes`,
        ),
        `${name} invalid_input its id is not a UUIDv7 in lower case`,
      ])
      .sort(),
  );
  const { refused: count } = await storage.repair();
  expect(count).toBeGreaterThanOrEqual(2 * kinds.length);
  for (const name of NAMES.slice(1)) expect(await held(providers.at(name))).toEqual([...good].sort());
});

it("rows that were forged in the file of a journal are not delivered, and all other rows are", async () => {
  const path = journalPath();
  const file = new SQLiteStorage(path);
  onTestFinished(() => file.close());
  const providers = await ThreeProviders.start(server());
  const clock = new AtomClock();
  const row = (sessionId: string, content = "1"): AtomRow => ({
    sessionId,
    id: clock.next(),
    userId: "ada",
    memoryType: "log",
    content,
    metadata: "{}",
    createdAtMs: 5,
    expiresAtMs: null,
  });
  const forged = [row(FORGED), row("forged content", JSON.stringify(FORGED)), { ...row("forged id"), id: FORGED_ID }];
  const all = [row("good"), ...forged, row("good, too")];
  await file.journal.append(all.toSorted((left, right) => (left.sessionId < right.sessionId ? -1 : 1)));
  const db = providers.manager();
  const reported = new Set<string>();
  db.on("error", (error) => void reported.add(String(error.cause).replace(/.*is refused: /, "")));
  const storage = await providers.storage({ local: file, db });
  await until(async () => {
    for (const name of NAMES) expect(await held(providers.at(name))).toEqual(["good", "good, too"]);
  });
  expect((await storage.getReplicationStatus()).journal?.map(({ atoms }) => atoms)).toEqual([3, 3, 3]);
  await until(() => expect(reported.size).toBe(3));
});
