import { DatabaseManager, type DatabaseManagerOptions } from "@rivet/db-manager";
import { describe, expect, it } from "vitest";
import { readConnectionFields } from "../src/configuration/connection-fields.ts";
import { parseOptions } from "../src/configuration/options.ts";
import { readEnvironment } from "../src/configuration/environment.ts";
import { failureOf } from "./servers.ts";

const URL_A = "postgres://ada:secret@a.example.com/db";
const URL_B = "postgres://ada:secret@b.example.com/db";

function fields(address: string, choices: object = {}): ReturnType<typeof readConnectionFields> {
  return readConnectionFields(address, { path: "url", ...choices });
}

describe("an address", () => {
  it("becomes fields, with defaults for what it lacks", () => {
    expect(
      fields("postgresql://a%40b:p%2Fw@db.example.com:5433/my%20db?application_name=app&options=-c%20x%3D1"),
    ).toMatchObject({
      host: "db.example.com",
      port: 5433,
      user: "a@b",
      password: "p/w",
      database: "my db",
      applicationName: "app",
      options: "-c x=1",
      place: "db.example.com:5433",
    });
    expect(fields("postgres://localhost")).toMatchObject({
      port: 5432,
      user: "postgres",
      database: "postgres",
      applicationName: "rivet",
      password: undefined,
    });
    expect(fields("postgres://ada@[::1]:5433/db")).toMatchObject({ host: "::1", place: "[::1]:5433" });
    expect(fields("postgres:///db?host=/var/run/postgresql")).toMatchObject({
      host: "/var/run/postgresql",
      place: "/var/run/postgresql/.s.PGSQL.5432",
      tls: undefined,
    });
  });

  it.each([
    ["postgres://db.example.com/db", "named"],
    ["postgres://db.example.com:6543/db", "unnamed"],
    ["postgres://ep-x-pooler.eu.example.com/db", "unnamed"],
    ["postgres://db.example.com/db?pgbouncer=true", "unnamed"],
  ])("%s has %s statements, unless the option says otherwise", (address, statements) => {
    expect(fields(address).statements).toBe(statements);
    expect(fields(address, { statements: "named" }).statements).toBe("named");
    expect(fields(address, { statements: "unnamed" }).statements).toBe("unnamed");
  });

  const VERIFIED = { rejectUnauthorized: true };
  it.each([
    ["db.example.com/db", VERIFIED],
    ["db.example.com/db?sslmode=allow", VERIFIED],
    ["db.example.com/db?sslmode=prefer", VERIFIED],
    ["db.example.com/db?sslmode=require", VERIFIED],
    ["10.0.0.1/db?sslmode=verify-ca", VERIFIED],
    ["127.example.com/db", VERIFIED],
    ["localhost.example.com/db", VERIFIED],
    ["localhost/db?sslmode=require", VERIFIED],
    ["localhost/db", undefined],
    ["LOCALHOST/db?sslmode=prefer", undefined],
    ["db.localhost/db", undefined],
    ["127.0.0.1/db?sslmode=disable", undefined],
    ["127.9.9.9/db", undefined],
    ["[::1]/db", undefined],
  ])("%s gets the TLS %o", (address, tls) => {
    expect(fields(`postgres://${address}`).tls).toEqual(tls);
  });

  it("gets what the option ssl says, whatever it says itself", () => {
    expect(fields(`${URL_A}?sslmode=require`, { ssl: false }).tls).toBeUndefined();
    expect(fields("postgres://localhost?sslmode=disable", { ssl: true }).tls).toEqual(VERIFIED);
    expect(fields(`${URL_A}?sslmode=no-verify`, { ssl: { ca: "x" } }).tls).toEqual({ ...VERIFIED, ca: "x" });
    expect(fields(URL_A, { ssl: { rejectUnauthorized: false } }).tls).toEqual({ rejectUnauthorized: false });
  });
});

describe("the options", () => {
  const one = { name: "one", connectionString: URL_A };
  it.each<[string, unknown]>([
    ["options", null],
    ["options.providers", {}],
    ["options.providers", { providers: [] }],
    ["options.providers[0]", { providers: [1] }],
    ["options.providers[0].name", { providers: [{ ...one, name: "a b" }] }],
    ["options.providers[0].connectionString", { providers: [{ name: "one" }] }],
    ["options.providers[0].poolSize", { providers: [{ ...one, poolSize: 0 }] }],
    ["options.providers[0].poolSize", { providers: [{ ...one, poolSize: "5" }] }],
    ["options.providers[0].ssl", { providers: [{ ...one, ssl: "require" }] }],
    ["options.providers[0].statements", { providers: [{ ...one, statements: "none" }] }],
    ["options.providers[0].connectTimeoutMs", { providers: [{ ...one, connectTimeoutMs: -1 }] }],
    ["options.providers[0].statementTimeoutMs", { providers: [{ ...one, statementTimeoutMs: Infinity }] }],
    ["options.providers[0].drainIntervalMs", { providers: [{ ...one, drainIntervalMs: "1" }] }],
    ["options.providers[1].name", { providers: [one, one] }],
    ["options.primary", { providers: [one], primary: "two" }],
    ["options.failover", { providers: [one], failover: "yes" }],
    ["options.operationTimeoutMs", { providers: [one], operationTimeoutMs: NaN }],
    ["options.journalPath", { providers: [one], journalPath: "" }],
    ["options.journalAfter", { providers: [one], journalPath: "a.db", journalAfter: -1 }],
    ["options.hedgeAfterMs", { providers: [one], hedgeAfterMs: 0 }],
    ["options.dwellMs", { providers: [one], dwellMs: "5 s" }],
    ["options.nowMs", { providers: [one], nowMs: 5 }],
    ["options.random", { providers: [one], random: 5 }],
  ])("refuse a wrong %s", async (path, options) => {
    const error = await failureOf(() => new DatabaseManager(options as DatabaseManagerOptions));
    expect(error).toMatchObject({ code: "invalid_input", path });
    expect(error.message.startsWith(path)).toBe(true);
  });
});

it("an address alone is the only provider, and a text that is none is refused and not repeated", async () => {
  await using db = new DatabaseManager(URL_A);
  expect(db.providerNames).toEqual(["postgres"]);
  expect(parseOptions(URL_A)).toMatchObject({
    primary: "postgres",
    providers: [{ fields: readConnectionFields(URL_A, { path: "url" }) }],
  });
  for (const text of ["gehe1m", "", "mysql://ada:gehe1m@db.example.com/app"]) {
    const error = await failureOf(() => new DatabaseManager(text));
    expect(error).toMatchObject({ code: "invalid_input", path: "options.providers[0].connectionString" });
    expect(error.message).not.toContain("gehe1m");
    expect(error.message).toContain("postgres://user:password@host:5432/database");
  }
});

it("a database that sleeps when it is idle gets three seconds for its first connection", () => {
  const timesOf = (host: string, more: { connectTimeoutMs?: number } = {}): unknown => {
    const provider = { name: "one", connectionString: `postgres://ada:secret@${host}/app`, ...more };
    const [settings] = parseOptions({ providers: [provider] }).providers;
    return [settings?.connectTimeoutMs, settings?.coldConnectTimeoutMs];
  };
  expect(timesOf("ep-cool-1.eu-central-1.aws.neon.tech")).toEqual([1_000, 3_000]);
  expect(timesOf("db.example.com")).toEqual([1_000, 1_000]);
  expect(timesOf("ep-cool-1.neon.tech", { connectTimeoutMs: 500 })).toEqual([500, 500]);
});

describe("the environment", () => {
  it("gives the providers in their order, and reports the names without an address", () => {
    const { options, skipped } = readEnvironment({
      RAILWAY_DB_URL: URL_B,
      NEON_DB_URL: ` ${URL_A} `,
      DATABASE_URL: "unused",
    });
    expect(options).toEqual({
      providers: [
        { name: "neon", connectionString: URL_A },
        { name: "railway", connectionString: URL_B },
      ],
      primary: undefined,
      failover: true,
      journalPath: "data/local.db",
      journalAfter: 2,
    });
    expect(skipped).toEqual([
      { name: "supabase", variables: ["SUPABASE_DB_URL", "SUPABASE_DB_HOST", "SUPABASE_DB_PASSWORD"] },
    ]);
  });

  it("chooses the preferred provider, the order and names of one's own", () => {
    const manager = DatabaseManager.fromEnv({
      DATABASE_PROVIDER: "Plant-2",
      DATABASE_FAILOVER_ORDER: "local, plant-2,neon",
      DATABASE_FAILOVER_ENABLED: "false",
      PLANT_2_DB_URL: URL_A,
      LOCAL_DB_URL: URL_B,
    });
    expect([manager.provider, manager.providerNames, manager.journal]).toEqual([
      "plant-2",
      ["local", "plant-2"],
      undefined,
    ]);
    expect(manager.skipped).toEqual([{ name: "neon", variables: ["NEON_DB_URL"] }]);
  });

  it("takes DATABASE_URL when it is the only one, under the name of DATABASE_PROVIDER", () => {
    expect(DatabaseManager.fromEnv({ DATABASE_URL: URL_A }).providerNames).toEqual(["postgres"]);
    const env = { DATABASE_URL: URL_A, DATABASE_PROVIDER: "neon", NEON_DB_URL: "" };
    expect(DatabaseManager.fromEnv(env).providerNames).toEqual(["neon"]);
  });

  it("builds Supabase's address from its parts", () => {
    const env = { SUPABASE_DB_HOST: "db.x.supabase.co", SUPABASE_DB_PASSWORD: "p@ss/word" };
    const { options } = readEnvironment(env);
    const address = options.providers[0]?.connectionString ?? "";
    expect(fields(address)).toMatchObject({
      host: "db.x.supabase.co",
      port: 5432,
      user: "postgres",
      password: "p@ss/word",
      database: "postgres",
    });
  });

  it("puts the journal where the order has it", () => {
    const order = { DATABASE_FAILOVER_ORDER: "neon,local,railway", NEON_DB_URL: URL_A, RAILWAY_DB_URL: URL_B };
    const journalOf = (env: Record<string, string>): unknown => DatabaseManager.fromEnv({ ...order, ...env }).journal;
    expect(journalOf({ LOCAL_DB_PATH: "here.db" })).toEqual({ path: "here.db", after: ["neon"] });
    expect(journalOf({ LOCAL_DB_URL: URL_A })).toBeUndefined();
    expect(journalOf({ DATABASE_FAILOVER_ORDER: "neon,railway" })).toBeUndefined();
    expect(journalOf({ DATABASE_FAILOVER_ENABLED: "false" })).toBeUndefined();
  });

  it("keeps a journal for a lone DATABASE_URL only where it says so", () => {
    expect(DatabaseManager.fromEnv({ DATABASE_URL: URL_A }).journal).toBeUndefined();
    const env = { DATABASE_URL: URL_A, LOCAL_DB_PATH: "here.db" };
    expect(DatabaseManager.fromEnv(env).journal).toEqual({ path: "here.db", after: ["postgres"] });
  });

  it.each([
    "",
    "your_password_here",
    "your_neon_connection_string_here",
    "postgres://user:[YOUR-PASSWORD]@db.example.com/app",
    "postgres://user:your_password_here@db.example.com/app",
    "postgres://user:secret@<host>/app",
  ])("takes the placeholder %j for not set", (text) => {
    const { skipped } = readEnvironment({ NEON_DB_URL: text, RAILWAY_DB_URL: URL_A });
    expect(skipped.map(({ name }) => name)).toContain("neon");
  });

  it.each<[string, Record<string, string>]>([
    ["DATABASE_PROVIDER", { DATABASE_PROVIDER: "mars", NEON_DB_URL: URL_A }],
    ["DATABASE_PROVIDER", { DATABASE_PROVIDER: "railway", NEON_DB_URL: URL_A }],
    ["DATABASE_FAILOVER_ENABLED", { DATABASE_FAILOVER_ENABLED: "maybe", NEON_DB_URL: URL_A }],
    ["DATABASE_FAILOVER_ORDER", { DATABASE_FAILOVER_ORDER: "neon,,local", NEON_DB_URL: URL_A }],
    ["DATABASE_FAILOVER_ORDER", { DATABASE_FAILOVER_ORDER: "neon,neon", NEON_DB_URL: URL_A }],
    ["SUPABASE_DB_PASSWORD", { SUPABASE_DB_HOST: "db.x.supabase.co" }],
    ["SUPABASE_DB_HOST", { SUPABASE_DB_PASSWORD: "secret" }],
    ["DATABASE_URL", { DATABASE_URL: "localhost" }],
    ["RAILWAY_DB_URL", { RAILWAY_DB_URL: "localhost" }],
  ])("refuses a wrong %s", async (path, env) => {
    expect(await failureOf(() => DatabaseManager.fromEnv(env))).toMatchObject({ code: "invalid_input", path });
  });

  it("without any address says which variables were looked at", async () => {
    const { message } = await failureOf(() => DatabaseManager.fromEnv({}));
    for (const variable of [
      "DATABASE_URL",
      "NEON_DB_URL",
      "SUPABASE_DB_URL",
      "SUPABASE_DB_HOST",
      "RAILWAY_DB_URL",
      "LOCAL_DB_URL",
    ]) {
      expect(message).toContain(variable);
    }
  });
});
