import { until } from "@rivet/local-servers";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { failureOf, manage, ownServer } from "./servers.ts";
import { certificate, tlsServer } from "./tls-server.ts";

const ca = readFileSync(certificate, "utf8");

const OVER_TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

const UNTRUSTED = { code: "unavailable", retryable: false, outcome: "not_applied" };

describe("TLS", { timeout: 120_000 }, () => {
  it("is verified: a certificate that nobody vouches for is refused", async () => {
    const server = await tlsServer();
    for (const db of [
      manage(server.url(), { ssl: true }),
      manage(`${server.url()}?sslmode=require`),
      manage(server.url().replace("127.0.0.1", "localhost"), { ssl: { ca } }),
    ]) {
      const error = await failureOf(db.query(OVER_TLS));
      expect(error).toMatchObject(UNTRUSTED);
      expect(error.message).toContain("TLS is verified");
      expect(db.getProviderStats()["main"]?.state).toBe("ineligible");
    }
  });

  it("accepts the certificate authority that it is given, as an option or as a file", async () => {
    const server = await tlsServer();
    const file = encodeURIComponent(certificate);
    for (const db of [
      manage(server.url(), { ssl: { ca } }),
      manage(server.url(), { ssl: { rejectUnauthorized: false } }),
      manage(`${server.url()}?sslmode=verify-full&sslrootcert=${file}`),
    ]) {
      expect((await db.query(OVER_TLS)).rows).toEqual([{ ssl: true }]);
      await db.close();
    }
    const missing = manage(`${server.url()}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt`);
    expect(await failureOf(missing.query(OVER_TLS))).toMatchObject({ code: "invalid_input" });
  });

  it("survives that the server ends a connection", async () => {
    const server = await tlsServer();
    const db = manage(server.url(), { ssl: { ca }, poolSize: 1, statementTimeoutMs: 4000 });
    const work = db.query("SELECT pg_sleep(0.3)", [], { idempotent: true });
    const active = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
    await until(async () => expect(await server.query(active)).toHaveLength(1));
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
    expect((await work).rowCount).toBe(1);
  });

  it("is never given up for a server that has none", async () => {
    const server = await ownServer();
    const error = await failureOf(manage(server.url(), { ssl: true }).query("SELECT 1"));
    expect(error).toMatchObject(UNTRUSTED);
    expect(error.message).toContain("does not support SSL");
  });

  it("is asked for by default when the host is not this machine", async ({ skip }) => {
    const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
    const outside = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    if (outside === undefined) {
      if (process.env["CI"]) throw new Error("this machine has no address but its own");
      return skip("this machine has no address but its own");
    }
    const server = await ownServer({ listen_addresses: "*" });
    const error = await failureOf(manage(server.url().replace("127.0.0.1", outside)).query("SELECT 1"));
    expect(error).toMatchObject(UNTRUSTED);
    expect(error.message).toContain("does not support SSL");
  });
});
