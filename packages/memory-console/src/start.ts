import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { readOptions } from "@rivet/memory-core";
import { CONSOLE_FIELDS, createConsole, type ConsoleOptions } from "./console.ts";

export interface StartOptions extends ConsoleOptions {
  /** Default: a free one. */
  readonly port?: number;
}

export interface RunningConsole extends AsyncDisposable {
  /** Opens the page: it holds the token. */
  readonly url: string;
  /** Without the token. */
  readonly origin: string;
  readonly token: string;
  /** Ends the server and what it tells live; the storage stays open. Idempotent. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/**
 * Starts the console on this machine's loopback address; see {@link createConsole} for what it guarantees.
 *
 * @throws what listening throws, such as `EADDRINUSE`.
 * @example
 * await using shown = await startConsole({ storage });
 * console.log(`Open ${shown.url}`);
 */
export async function startConsole(options: StartOptions): Promise<RunningConsole> {
  const { port = 0, storage, ...rest } = readOptions(options, { ...CONSOLE_FIELDS, port: "setting" }, "options");
  const { app, token, path, close } = createConsole({ ...rest, storage: storage ?? options.storage });
  const server = createAdaptorServer({ fetch: app.fetch });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, LOOPBACK, () => resolve());
    });
  } catch (error) {
    close();
    throw error;
  }
  const origin = `http://${LOOPBACK}:${portOf(server.address())}`;
  let closing: Promise<void> | undefined;
  const end = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      close();
      server.close(() => resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
    return closing;
  };
  return { url: origin + path, origin, token, close: end, [Symbol.asyncDispose]: end };
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("the server listens at no port");
}
