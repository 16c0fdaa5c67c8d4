import { decoyRuns, functionsCalledIn, plantDecoys } from "@rivet/local-servers";
import { Session } from "@rivet/memory-core";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { clientOfUser, MIGRATION, sharedProject, storageForTest } from "./project.ts";

const ALICE = "a11ce000-0000-4000-8000-000000000001";
/** Functions that PostgREST itself calls without their schema, with each request. */
const OF_THE_API = ["json_build_array", "json_agg", "json_to_recordset", "current_setting", "set_config", "count"];
// Decoys are there before the migration is applied: policies and indexes keep the functions that they were made with.
const project = sharedProject({}, async (started) => {
  const functions = functionsCalledIn([MIGRATION]).filter((name) => !OF_THE_API.includes(name));
  await plantDecoys(started.server, functions);
  await started.apply(MIGRATION);
});

/** All that a user does over REST. */
async function live(): Promise<string> {
  const storage = storageForTest({ client: clientOfUser(project(), ALICE) });
  const session = new Session({ userId: ALICE, storage, metadata: { plant: "north" } });
  for (let index = 0; index < 3; index++) session.addUserMessage(`message ${index}`);
  await session.save();
  session.setMetadata("plant", "south");
  session.addAssistantMessage("answer");
  await session.save({ ifUnchanged: true });
  const { sessionId } = session;
  const fact = { sessionId, userId: ALICE, memoryType: "decision", content: { a: 1 } };
  await storage.saveMemoryAtoms([fact, { ...fact, expiresAt: new Date(1) }]);
  await Promise.all(
    [1, 2, 3].map((content) => storage.saveMemoryAtom({ ...fact, sessionId: `${sessionId} ${content}`, content })),
  );
  const [first] = session.history.messages();
  await storage.deleteMemoryAtoms(sessionId, [first?.id ?? ""]);
  for await (const _ of storage.atoms({ userId: ALICE })) continue;
  for await (const _ of storage.sessions()) continue;
  await storage.queryMemoryAtoms({ memoryType: ["decision", "message_user"], limit: 2 });
  await storage.listSessions({ userId: ALICE });
  await storage.loadSession(sessionId, { lastMessages: 1 });
  await storage.prune({ keepLast: 1 });
  await session.refresh();
  session.clearHistory();
  session.addUserMessage("anew");
  await session.save();
  await storage.deleteSession(`${sessionId} 1`);
  await storage.replica.rangesAfter("", 10, 10);
  await storage.replica.tombstonesAfter(sessionId, undefined, 10);
  return sessionId;
}

describe("a stranger's functions and operators in the schema public", () => {
  it("run neither in the migration nor in a function that a request calls", async () => {
    await live();
    expect(await decoyRuns(project().server)).toBe(0);
  });
});

describe("a function that looks past the policies, or that a stranger calls", () => {
  it("runs nothing that its caller has made, not even a type in the caller's temporary schema", async () => {
    const sessionId = await live();
    await project().server.query("CREATE ROLE intruder LOGIN PASSWORD 'x' IN ROLE authenticated");
    const client = new pg.Client({ connectionString: project().server.url("postgres", "intruder", "x") });
    await client.connect();
    await client.query(`
      CREATE TEMPORARY TABLE loot (who pg_catalog.text);
      GRANT ALL ON loot TO PUBLIC;
      CREATE FUNCTION pg_temp.rob() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO pg_temp.loot VALUES (current_user); RETURN true; END $$;`);
    for (const type of ["uuid", "text", "bool", "json", "jsonb", "timestamptz", "name"]) {
      await client.query(`CREATE DOMAIN pg_temp.${type} AS pg_catalog.${type} CHECK (pg_temp.rob())`);
    }
    await client.query(`SET rivet_memory.writing = 'yes'; SET request.jwt.claims = '{"sub": "${ALICE}"}'`);
    await client.query("SELECT public.rivet_delete_atoms($1, NULL, NULL)", [sessionId]);
    const { rows } = await client.query("SELECT who FROM pg_temp.loot WHERE who <> 'intruder'");
    await client.end();
    expect(rows).toEqual([]);
  });

  it("is not there: all run with the rights of their caller", async () => {
    const rows = await project().server.query(
      "SELECT proname::text AS name FROM pg_proc WHERE prosecdef AND proname LIKE 'rivet%'",
    );
    expect(rows).toEqual([]);
  });
});
