import { describe, expect, it } from "vitest";
import { readConnectionFields } from "../src/connection-fields.ts";
import { failureOf } from "./servers.ts";

const fields = (query: string, host = "db.example.com"): ReturnType<typeof readConnectionFields> =>
  readConnectionFields(`postgres://ada:secret@${host}/app?${query}`, { path: "url" });
const refused = async (query: string, host?: string): Promise<string> => {
  const error = await failureOf(() => fields(query, host));
  expect(error).toMatchObject({ code: "invalid_input", path: "url" });
  return error.message;
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
    ["schema=agent", "schema", "option schema of the storage"],
    ["search_path=agent", "search_path", "option schema of the storage"],
    ["currentSchema=agent", "currentSchema", "option schema of the storage"],
    ["options=-c%20work_mem%3D1MB%20-c%20search_path%3Dagent", "search_path", "option schema of the storage"],
    ["options=-csearch_path%3Dagent", "search_path", "option schema of the storage"],
    ["options=--search-path%3Dagent", "search_path", "option schema of the storage"],
    ["connection_limit=1", "connection_limit", "poolSize"],
    ["statement_timeout=5", "statement_timeout", "ALTER ROLE"],
    ["uselibpqcompat=true", "uselibpqcompat", "ssl"],
    ["target_session_attrs=read-only", "target_session_attrs", "expected any"],
    ["target_session_attrs=read-write", "target_session_attrs", "takes no writes"],
    ["client_encoding=LATIN1", "client_encoding", "UTF-8"],
    ["gssencmode=require", "gssencmode", "expected"],
    ["require_auth=gss", "require_auth", "scram-sha-256"],
    ["channel_binding=maybe", "channel_binding", "require"],
    ["connect_timeout=soon", "connect_timeout", "seconds"],
    ["sslmode=maybe", "sslmode", "verify-full"],
    ["ssl=perhaps", "ssl", "no-verify"],
    ["ssl=false", "sslmode=disable", "ssl: false"],
    ["host=a.example.com,b.example.com", "several hosts", "a provider of its own"],
  ])("%s is refused by name", async (query, name, advice) => {
    const message = await refused(query);
    expect(message).toContain(name);
    expect(message).toContain(advice);
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
    expect((await failureOf(read)).message).toContain("a provider of its own");
  });
});
