import { readFileSync } from "node:fs";
import { until, type PostgresServer } from "@rivet/local-servers";
import { describe, expect, it } from "vitest";
import { failureOf, manage, ownServer } from "./servers.ts";
import { certificate, tlsServer } from "./tls-server.ts";

const USER = "ada";
const PASSWORD = "QXZ-4711";

/** Lets a server ask for a proof of one kind from one user, who has a password of the kind's form. */
async function asksFor(server: PostgresServer, method: string): Promise<string> {
  if (method === "md5") await server.query("SET password_encryption = md5");
  const encryption = method === "md5" ? "md5" : "scram-sha-256";
  await server.query(`ALTER SYSTEM SET password_encryption = '${encryption}'`);
  await server.query("SELECT pg_reload_conf()");
  await until(async () =>
    expect(await server.query("SHOW password_encryption")).toEqual([{ password_encryption: encryption }]),
  );
  await server.query(`CREATE ROLE ${USER} LOGIN PASSWORD '${PASSWORD}'`);
  const [row] = await server.query("SHOW hba_file");
  const rule = `host all ${USER} 127.0.0.1/32 ${method}`;
  await server.query(`COPY (SELECT 1) TO PROGRAM 'sed -i "1i ${rule}" ${String(row?.["hba_file"])}'`);
  await server.query("SELECT pg_reload_conf()");
  const rules = "SELECT auth_method FROM pg_hba_file_rules WHERE user_name = ARRAY[$1]";
  await until(async () => expect(await server.query(rules, [USER])).toEqual([{ auth_method: method }]));
  return server.url("postgres", USER, PASSWORD);
}

describe("a server without TLS", () => {
  it.each([
    ["password", "the password in clear"],
    ["md5", "the password's MD5 hash"],
  ])("that asks for %s gets nothing of the password, unless require_auth allows it", async (method, named) => {
    const address = await asksFor(await ownServer(), method);
    const error = await failureOf(manage(address).query("SELECT 1"));
    expect(error).toMatchObject({ code: "permission", retryable: false, outcome: "not_applied" });
    expect(error.message).toContain(`requests ${named}`);
    expect(error.message).toContain("require_auth");
    expect(error.message).not.toContain(PASSWORD);
    const asked = manage(`${address}?require_auth=${method}`);
    expect((await asked.query("SELECT current_user AS me")).rows).toEqual([{ me: USER }]);
  });

  it("that asks for no password is refused where require_auth asks for SCRAM", async () => {
    const address = await asksFor(await ownServer(), "trust");
    expect((await manage(address).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    const error = await failureOf(manage(`${address}?require_auth=scram-sha-256`).query("SELECT 1"));
    expect(error).toMatchObject({ code: "permission", outcome: "not_applied" });
    expect(error.message).toContain("requests no password");
  });
});

describe("a server whose TLS is verified", () => {
  const ssl = { ca: readFileSync(certificate, "utf8") };

  it("is given the password in clear, and is refused where channel binding is required", async () => {
    const address = await asksFor(await tlsServer(), "password");
    expect((await manage(address, { ssl }).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    const bound = await failureOf(manage(`${address}?channel_binding=require`, { ssl }).query("SELECT 1"));
    expect(bound).toMatchObject({ code: "permission", retryable: false });
    expect(bound.message).toContain("channel_binding=require");
  });

  it("with SCRAM is used where channel binding is required", async () => {
    const server = await tlsServer();
    const db = manage(`${server.url()}?channel_binding=require`, { ssl });
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});
