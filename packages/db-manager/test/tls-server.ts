import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { until, type PostgresServer } from "@rivet/local-servers";
import { expect } from "vitest";
import { ownServer } from "./servers.ts";

/** Self-signed for 127.0.0.1 and for nothing else, until the next century. */
export const certificate = pathOf("server.crt");
/** The same with the same key, but it has expired. */
export const expired = pathOf("expired.crt");
const key = pathOf("server.key");

/** A server for one test that speaks TLS, with a certificate out of a file. */
export async function tlsServer(file = certificate): Promise<PostgresServer> {
  const server = await ownServer();
  for (const [name, path] of [
    ["server.crt", file],
    ["server.key", key],
  ] as const) {
    // By the server, so that the files are the server's own.
    const text = readFileSync(path).toString("base64");
    await server.query(`COPY (SELECT '${text}') TO PROGRAM 'umask 077; base64 -d > ${name}'`);
  }
  await server.query("ALTER SYSTEM SET ssl = on");
  await server.query("SELECT pg_reload_conf()");
  await until(async () => expect(await server.query("SHOW ssl")).toEqual([{ ssl: "on" }]));
  return server;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`certificates/${name}`, import.meta.url));
}
