import { describe, expect, it } from "vitest";
import { readConnectionFields } from "../src/configuration/connection-fields.ts";
import { failureOf } from "./servers.ts";

const fields = (query: string, host = "db.example.com"): ReturnType<typeof readConnectionFields> =>
  readConnectionFields(`postgres://ada:secret@${host}/app?${query}`, { path: "url" });
const refused = async (query: string, host?: string): Promise<string> => {
  const error = await failureOf(() => fields(query, host));
  expect(error).toMatchObject({ code: "invalid_input", path: "url" });
  return error.message;
};

/**
 * Every parameter of libpq of PostgreSQL 18, with values of each kind that it has.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
const LIBPQ: Readonly<Record<string, { readonly honoured?: readonly string[]; readonly refused?: readonly string[] }>> =
  {
    host: { honoured: ["other.example.com", "/var/run/postgresql", "::1"], refused: ["a.example.com,b.example.com"] },
    hostaddr: { refused: ["10.0.0.1"] },
    port: { honoured: ["6000"], refused: ["0", "65536"] },
    dbname: { honoured: ["other"] },
    user: { honoured: ["bob"] },
    password: { honoured: ["p@ss"] },
    passfile: { refused: ["/home/ada/.pgpass"] },
    require_auth: {
      honoured: ["password", "md5", "scram-sha-256", "none", "scram-sha-256,none"],
      refused: ["gss", "sspi", "oauth", "!password"],
    },
    channel_binding: { honoured: ["disable", "prefer", "require"], refused: ["maybe"] },
    connect_timeout: { honoured: ["10"], refused: ["0", "-1", "ten"] },
    client_encoding: { honoured: ["UTF8", "auto"], refused: ["LATIN1", "SQL_ASCII"] },
    options: { honoured: ["-c geqo=off"], refused: ["-c search_path=agent", "--search_path=agent"] },
    application_name: { honoured: ["agent"] },
    fallback_application_name: { honoured: ["agent"] },
    keepalives: { refused: ["0", "1"] },
    keepalives_idle: { refused: ["60"] },
    keepalives_interval: { refused: ["10"] },
    keepalives_count: { refused: ["3"] },
    tcp_user_timeout: { refused: ["10000"] },
    replication: { refused: ["database", "false"] },
    gssencmode: { honoured: ["disable", "prefer"], refused: ["require"] },
    sslmode: {
      honoured: ["allow", "prefer", "require", "verify-ca", "verify-full"],
      refused: ["disable", "no-verify"],
    },
    requiressl: { refused: ["0", "1"] },
    sslnegotiation: { honoured: ["postgres", "direct"], refused: ["maybe"] },
    sslcompression: { refused: ["0", "1"] },
    sslcert: { honoured: ["/home/ada/client.crt"] },
    sslkey: { honoured: ["/home/ada/client.key"] },
    sslkeylogfile: { refused: ["/tmp/keys"] },
    sslpassword: { refused: ["secret"] },
    sslcertmode: { refused: ["disable", "allow", "require"] },
    sslrootcert: { honoured: ["/home/ada/root.crt", "system"] },
    sslcrl: { refused: ["/home/ada/root.crl"] },
    sslcrldir: { refused: ["/home/ada/crl"] },
    sslsni: { refused: ["0", "1"] },
    requirepeer: { refused: ["postgres"] },
    ssl_min_protocol_version: { refused: ["TLSv1.2"] },
    ssl_max_protocol_version: { refused: ["TLSv1.3"] },
    min_protocol_version: { refused: ["3.0"] },
    max_protocol_version: { refused: ["latest"] },
    krbsrvname: { refused: ["postgres"] },
    gsslib: { refused: ["gssapi"] },
    gssdelegation: { refused: ["0", "1"] },
    scram_client_key: { refused: ["AAAA"] },
    scram_server_key: { refused: ["AAAA"] },
    service: { refused: ["agents"] },
    servicefile: { refused: ["/home/ada/.pg_service.conf"] },
    target_session_attrs: {
      honoured: ["any"],
      refused: ["read-write", "read-only", "primary", "standby", "prefer-standby"],
    },
    load_balance_hosts: { refused: ["disable", "random"] },
    oauth_issuer: { refused: ["https://issuer.example.com"] },
    oauth_client_id: { refused: ["agent"] },
    oauth_client_secret: { refused: ["secret"] },
    oauth_scope: { refused: ["openid"] },
  };

describe("a parameter of an address", () => {
  it.each([
    ["user=bob", { user: "bob" }],
    ["password=p%40ss", { password: "p@ss" }],
    ["host=other.example.com", { host: "other.example.com" }],
    ["port=6000", { port: 6000 }],
    ["dbname=other", { database: "other" }],
    ["application_name=agent", { applicationName: "agent" }],
    ["fallback_application_name=agent", { applicationName: "agent" }],
    ["options=-c%20work_mem%3D1MB", { options: "-c work_mem=1MB" }],
    ["connect_timeout=4", { connectTimeoutMs: 4_000 }],
    ["ssl=true", { tls: { rejectUnauthorized: true } }],
    ["sslnegotiation=direct", { isTlsDirect: true }],
    ["pgbouncer=true", { statements: "unnamed" }],
    ["supa=base-pooler.x&client_encoding=utf8&gssencmode=disable&target_session_attrs=any", { host: "db.example.com" }],
  ])("%s is honoured", (query, expected) => {
    expect(fields(query)).toMatchObject(expected);
  });

  it.each([
    ["schema=agent", "schema", "storage's option schema"],
    ["search_path=agent", "search_path", "storage's option schema"],
    ["currentSchema=agent", "currentSchema", "storage's option schema"],
    ["options=-c%20work_mem%3D1MB%20-c%20search_path%3Dagent", "search_path", "storage's option schema"],
    ["options=-csearch_path%3Dagent", "search_path", "storage's option schema"],
    ["options=--search-path%3Dagent", "search_path", "storage's option schema"],
    ["connection_limit=1", "connection_limit", "poolSize"],
    ["statement_timeout=5", "statement_timeout", "ALTER ROLE"],
    ["uselibpqcompat=true", "uselibpqcompat", "ssl"],
    ["target_session_attrs=read-only", "target_session_attrs", "expected any"],
    ["target_session_attrs=read-write", "target_session_attrs", "receives no writes"],
    ["client_encoding=LATIN1", "client_encoding", "UTF-8"],
    ["gssencmode=require", "gssencmode", "expected"],
    ["require_auth=gss", "require_auth", "scram-sha-256"],
    ["channel_binding=maybe", "channel_binding", "require"],
    ["connect_timeout=soon", "connect_timeout", "seconds"],
    ["sslmode=maybe", "sslmode", "verify-full"],
    ["ssl=perhaps", "ssl", "no-verify"],
    ["ssl=false", "sslmode=disable", "ssl: false"],
    ["host=a.example.com,b.example.com", "several hosts", "its own provider"],
  ])("%s is refused by name", async (query, name, advice) => {
    const message = await refused(query);
    expect(message).toContain(name);
    expect(message).toContain(advice);
  });

  it.each(Object.entries(LIBPQ))("%s of libpq is honoured or refused by name, value by value", async (name, values) => {
    for (const value of values.honoured ?? [])
      expect(() => fields(`${name}=${encodeURIComponent(value)}`)).not.toThrow();
    for (const value of values.refused ?? []) {
      const message = await refused(`${name}=${encodeURIComponent(value)}`);
      expect(message).toContain(name);
      expect(message, "it says what to do instead").toMatch(
        /; (use|give|expected|leave|set|TLS|a pooler|add|TCP)|from 1 to/,
      );
    }
  });

  it("that no driver knows is refused without its name, which may be a piece of a password", async () => {
    const message = await refused("sslmode=require&gehe1m=1");
    expect(message).toContain("number 2 after its ?");
    expect(message).not.toContain("gehe1m");
    expect(await refused("port=1&port=2")).toContain("twice");
  });

  it("channel_binding=require is refused without TLS, and kept with it", async () => {
    expect(await refused("channel_binding=require", "localhost")).toContain("no TLS to bind to");
    expect(fields("channel_binding=require").authentication.isBindingRequired).toBe(true);
    expect(fields("channel_binding=require&sslmode=require", "localhost").authentication.isBindingRequired).toBe(true);
    expect(fields("channel_binding=prefer", "localhost").authentication.isBindingRequired).toBe(false);
  });

  it("names several hosts in the address itself: refused, with what to do", async () => {
    const read = (): unknown => readConnectionFields("postgres://ada:x@a:1,b:2/app", { path: "url" });
    expect((await failureOf(read)).message).toContain("its own provider");
  });
});
