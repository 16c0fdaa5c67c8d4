import { inspect } from "node:util";
import { DatabaseManager, type DatabaseError } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { failureOf, manage, useServer } from "./servers.ts";

const server = useServer();

/** With everything that an address writes in another way. */
const PASSWORD = `hunter2 "wörd"/%41#:@?'secret`;
const FORMS = [PASSWORD, encodeURIComponent(PASSWORD), encodeURI(PASSWORD), "hunter2"];

function expectNoSecret(value: unknown): void {
  const texts = [inspect(value, { depth: Infinity, showHidden: true, getters: true }), JSON.stringify(value) ?? ""];
  if (value instanceof Error) texts.push(String(value), value.stack ?? "");
  for (const text of texts) for (const form of FORMS) expect(text).not.toContain(form);
}

async function createRole(name: string): Promise<string> {
  await server().query(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD.replaceAll("'", "''")}'`);
  return server().url("postgres", name, PASSWORD);
}

function unreachable(): string {
  return `postgres://ada:${encodeURIComponent(PASSWORD)}@nothing.invalid/db`;
}

describe("the password", () => {
  it("is taken as it is meant, and is in no statistic, event or view of the manager", async () => {
    const db = manage(await createRole("ada"));
    const events: unknown[] = [];
    db.on("stateChange", (event) => events.push(event)).on("error", (event) => events.push(event));
    expect((await db.query("SELECT current_user AS me")).rows).toEqual([{ me: "ada" }]);
    await failureOf(db.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    expect(events.length).toBeGreaterThan(0);
    expectNoSecret([db, db.getProviderStats(), events]);
  });

  it("is in no error: wrong password, wrong database, wrong host, TLS refused, and what the server repeats", async () => {
    const url = await createRole("bob");
    const wrong = server().url("postgres", "bob", `${PASSWORD}!`);
    const cases: (readonly [DatabaseManager, Partial<DatabaseError>])[] = [
      [manage(wrong), { code: "permission", sqlState: "28P01", retryable: false }],
      [manage(server().url("missing", "bob", PASSWORD)), { code: "schema", sqlState: "3D000", retryable: false }],
      [manage(server().url("postgres", "nobody", PASSWORD)), { code: "permission", sqlState: "28P01" }],
      [manage(unreachable()), { code: "unavailable" }],
      [manage(url, { ssl: true }), { code: "unavailable", retryable: false }],
    ];
    for (const [db, expected] of cases) {
      const error = await failureOf(db.query("SELECT 1"));
      expect(error).toMatchObject({ ...expected, outcome: "not_applied" });
      expectNoSecret(error);
      expect(await db.healthCheck()).toBe(false);
    }
    const repeated = await failureOf(manage(url).query("SELECT $1::text::int", [PASSWORD]));
    expect(repeated.message).toContain('integer: "***"');
    expectNoSecret(repeated);
  });

  it.each([
    ["no address at all", `ada:${PASSWORD}`],
    ["a special character as it is", `postgres://ada:${PASSWORD}@host/db`],
    ["half a percent sign", "postgres://ada:hunter2%zz@host:1/db"],
    ["no port", "postgres://ada:hunter2@host:port/db"],
    ["too large a port", "postgres://ada:hunter2@host:70000/db"],
    ["a wrong mode", "postgres://ada:hunter2@host/db?sslmode=maybe"],
    ["TLS given up", "postgres://ada:hunter2@host/db?sslmode=disable"],
    ["another protocol", "mysql://ada:hunter2@host/db"],
  ])("is in no error about an address with %s", async (_what, connectionString) => {
    const open = (): unknown => new DatabaseManager({ providers: [{ name: "main", connectionString }] });
    const error = await failureOf(open);
    expect(error).toMatchObject({ code: "invalid_input", path: "options.providers[0].connectionString" });
    expectNoSecret(error);
    const fromEnv = await failureOf(() => DatabaseManager.fromEnv({ NEON_DB_URL: connectionString }));
    expect(fromEnv).toMatchObject({ code: "invalid_input", path: "NEON_DB_URL" });
    expectNoSecret(fromEnv);
  });

  it("of PGPASSWORD stands in for one that the address of a lone provider lacks, and is in no error", async () => {
    const address = await createRole("eve");
    const withoutPassword = address.replace(/:[^:@/]*@/, "@");
    vi.stubEnv("PGPASSWORD", PASSWORD);
    onTestFinished(() => void vi.unstubAllEnvs());
    const db = manage(withoutPassword);
    expect((await db.query("SELECT current_user AS me")).rows).toEqual([{ me: "eve" }]);
    expectNoSecret([db, await failureOf(db.query("SELECT $1::text::int", [PASSWORD]))]);
    const two = [1, 2].map((number) => ({ name: `n${number}`, connectionString: withoutPassword }));
    const several = new DatabaseManager({ providers: two });
    onTestFinished(() => several.close());
    expect(await failureOf(several.query("SELECT 1"))).toMatchObject({ code: "permission", outcome: "not_applied" });
  });
});
