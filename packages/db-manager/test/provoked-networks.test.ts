import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startProxy, type TcpProxy } from "@rivet/local-servers";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  cut,
  expectFailure,
  longStatement,
  NO_CONNECTION_IN_TIME,
  SELECT,
  SILENT,
  unsent,
  UNREACHABLE,
  type Work,
} from "./provocation.ts";
import { failureOf, manage, useServer } from "./servers.ts";
import { closedPort, listen } from "./sockets.ts";

const server = useServer();

async function proxied(): Promise<TcpProxy> {
  const proxy = await startProxy(server());
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

describe("an address", () => {
  it("that nobody listens on", async () => {
    const db = manage(`postgres://u:p@127.0.0.1:${await closedPort()}/db`);
    await expectFailure(db, SELECT, unsent("ECONNREFUSED"), UNREACHABLE);
  });

  it("of a name that may stand for two, none of which is listened on", async () => {
    const url = `postgres://u:p@localhost:${await closedPort()}/db`;
    await expectFailure(manage(url), SELECT, unsent("ECONNREFUSED"), UNREACHABLE);
    const error = await failureOf(manage(url).query("SELECT 1"));
    const isDualStack = (await lookup("localhost", { all: true })).length > 1;
    expect(error.cause instanceof AggregateError).toBe(isDualStack);
  });

  it("of a name that does not exist", async () => {
    const name = `${"x".repeat(64)}.invalid`;
    await expectFailure(manage(`postgres://u:p@${name}/db`), SELECT, unsent("ENOTFOUND"), UNREACHABLE);
  });

  it("that no way leads to", async () => {
    // One of many listeners at once, to which there is no connection.
    await expectFailure(manage("postgres://u:p@224.0.0.1/db"), SELECT, unsent("ENETUNREACH"), UNREACHABLE);
  });

  it("of a socket that is not there", async () => {
    await expectFailure(manage("postgres://u:p@%2Fnowhere/db"), SELECT, unsent("ENOENT"), UNREACHABLE);
  });
});

describe("a connection", () => {
  it("that is reset while it is made", async () => {
    const proxy = await proxied();
    proxy.setMode("refuse");
    await expectFailure(manage(proxy.url(server().url())), SELECT, unsent("ECONNRESET"), UNREACHABLE);
  });

  it("that is closed while it is made", async () => {
    const port = await listen((socket) => socket.end());
    const closed = unsent(undefined, "Connection terminated unexpectedly");
    await expectFailure(manage(`postgres://u:p@127.0.0.1:${port}/db`), SELECT, closed, UNREACHABLE);
  });

  it("that is not answered", async () => {
    const proxy = await proxied();
    proxy.setMode("black-hole");
    const db = manage(proxy.url(server().url()), { connectTimeoutMs: 50 });
    await expectFailure(db, SELECT, unsent(undefined, "timeout expired"), NO_CONNECTION_IN_TIME);
  });

  it("that is answered by something else", async () => {
    const port = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const closed = unsent(undefined, "Connection terminated unexpectedly");
    await expectFailure(manage(`postgres://u:p@127.0.0.1:${port}/db`), SELECT, closed, UNREACHABLE);
  });

  it("that is reset under a statement", async () => {
    const proxy = await proxied();
    const { work, untilRunning } = longStatement(server());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 30_000 });
    await Promise.all([
      expectFailure(db, work, cut("ECONNRESET"), UNREACHABLE),
      untilRunning().then(() => proxy.setMode("reset")),
    ]);
  });

  it("that is closed under a statement", async () => {
    const proxy = await proxied();
    const { work, untilRunning } = longStatement(server());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 30_000 });
    await Promise.all([
      expectFailure(db, work, cut(undefined, "Connection terminated unexpectedly"), UNREACHABLE),
      untilRunning().then(() => proxy[Symbol.asyncDispose]()),
    ]);
  });

  it.each(["black-hole", "swallow-replies"] as const)("that falls silent: %s", async (mode) => {
    const proxy = await proxied();
    const db = manage(proxy.url(server().url()));
    await db.query("SELECT 1");
    proxy.setMode(mode);
    const work: Work = (provider) => provider.query("SELECT 1", [], { timeoutMs: 50 });
    await expectFailure(db, work, cut("RIVET_NO_ANSWER", "no answer in 50 ms"), SILENT);
  });
});

describe("this host", () => {
  it("has no descriptor left for a connection: no fault of the provider", async () => {
    const script = fileURLToPath(new URL("processes/exhausted.ts", import.meta.url));
    const limited = ["-c", 'ulimit -n 64 && exec "$@"', "sh", process.execPath, "--conditions=@rivet/source"];
    const { stdout } = await promisify(execFile)("sh", [...limited, script, server().url()]);
    const told = { code: "unavailable", retryable: true, outcome: "not_applied", state: "unknown" };
    expect(JSON.parse(stdout)).toEqual({ ...told, cause: "EMFILE" });
  });
});
