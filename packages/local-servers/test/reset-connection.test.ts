import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, it } from "vitest";
import { resetConnection } from "../src/postgres/reset-connection.ts";

async function untilClosed(act: (accepted: Socket) => void): Promise<{ errors: unknown[]; codeOfPeer: unknown }> {
  const errors: unknown[] = [];
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let codeOfPeer: unknown;
  peer.on("error", (error: NodeJS.ErrnoException) => (codeOfPeer = error.code)).resume();
  const peerClosed = new Promise((resolve) => peer.on("close", resolve));
  const [socket]: Socket[] = await accepted;
  if (socket === undefined) throw new Error("no connection was accepted");
  socket.on("error", (error) => errors.push(error));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  act(socket);
  await Promise.all([closed, peerClosed]);
  server.close();
  return { errors, codeOfPeer };
}

it("a connection that is reset is gone for both sides", async () => {
  expect(await untilClosed(resetConnection)).toEqual({ errors: [], codeOfPeer: "ECONNRESET" });
});

it("a connection that is reset while its end is being sent is closed, without an error", async () => {
  const { errors } = await untilClosed((socket) => {
    socket.end();
    resetConnection(socket);
  });
  expect(errors).toEqual([]);
});
