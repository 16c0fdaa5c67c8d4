import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "vitest";
import { expectFailure, REFUSED, SELECT, unsent, UNREACHABLE, UNTRUSTED } from "./provocation.ts";
import { manage, ownServer } from "./servers.ts";
import { listen } from "./sockets.ts";
import { certificate, expired, tlsServer } from "./tls-server.ts";

/** The answer of a server that is ready for TLS. */
const READY = "S";

describe("a server is not trusted", { timeout: 120_000 }, () => {
  it("with a certificate that nobody vouches for, or that is another's", async () => {
    const server = await tlsServer();
    const unknown = manage(server.url(), { ssl: true });
    await expectFailure(unknown, SELECT, unsent("DEPTH_ZERO_SELF_SIGNED_CERT"), UNTRUSTED);
    const other = manage(server.url().replace("127.0.0.1", "localhost"), { ssl: { ca: readFileSync(certificate) } });
    await expectFailure(other, SELECT, unsent("ERR_TLS_CERT_ALTNAME_INVALID"), UNTRUSTED);
  });

  it("with a certificate that has expired", async () => {
    const server = await tlsServer(expired);
    const db = manage(server.url(), { ssl: { ca: readFileSync(expired) } });
    await expectFailure(db, SELECT, unsent("CERT_HAS_EXPIRED"), UNTRUSTED);
  });

  it("without TLS", async () => {
    const db = manage((await ownServer()).url(), { ssl: true });
    await expectFailure(db, SELECT, unsent(undefined, "does not support SSL"), UNTRUSTED);
  });

  it("when it speaks something else, from the beginning or after that", async () => {
    const stranger = await listen((socket) => socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request")));
    const nothing = manage(`postgres://u:p@127.0.0.1:${stranger}/db`, { ssl: true });
    await expectFailure(nothing, SELECT, unsent(undefined, "establishing an SSL connection"), UNTRUSTED);
    const liar = await listen((socket) =>
      socket.once("data", () => {
        socket.write(READY);
        socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request"));
      }),
    );
    const garbled = manage(`postgres://u:p@127.0.0.1:${liar}/db`, { ssl: true });
    await expectFailure(garbled, SELECT, unsent("EPROTO", "wrong version number"), UNTRUSTED);
  });
});

describe("TLS", { timeout: 120_000 }, () => {
  it("that is cut short says nothing about trust", async () => {
    const port = await listen((socket) => socket.once("data", () => socket.end(READY)));
    const db = manage(`postgres://u:p@127.0.0.1:${port}/db`, { ssl: true });
    await expectFailure(db, SELECT, unsent("ECONNRESET", "before secure TLS connection"), UNREACHABLE);
  });

  it("may be what a server asks for", async () => {
    const server = await tlsServer();
    await writeFile(join(server.folder, "data", "pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n");
    await server.stop();
    await server.start();
    const db = manage(server.url(), { ssl: false });
    await expectFailure(db, SELECT, unsent("28000", "no encryption"), REFUSED);
  });
});
