import { once } from "node:events";
import { Agent, createServer, request as sendRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { resetConnection } from "../postgres/reset-connection.ts";

/** A fault that replaces the server's answer to a request. */
export type GatewayFault =
  /** It is answered, and not passed on. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Its connection is reset, and it is not passed on. */
  | { readonly kind: "reset" }
  /** It is passed on, and its connection is reset when the answer is there. */
  | { readonly kind: "lose-answer" }
  /** It is neither passed on nor answered. */
  | { readonly kind: "silence" };

/** A key, and the token that the server behind gets in its place. */
export interface GatewayKey {
  readonly key: string;
  readonly token: string;
}

/** A request that came in. */
export interface GatewayRequest {
  readonly path: string;
  readonly urlUnits: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const PREFIX = "/rest/v1";

/**
 * The gateway of a Supabase project, as far as the REST API goes: it asks for a known `apikey`, gives keys that are no
 * tokens the token of their role, and takes `/rest/v1` off the path. It misbehaves on request.
 */
export class SupabaseGateway {
  /** All requests since the start, or since somebody emptied the list. */
  readonly requests: GatewayRequest[] = [];
  readonly #keys: ReadonlyMap<string, string>;
  readonly #port: number;
  readonly #faults: GatewayFault[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((request, response) => this.#handle(request, response));

  /** @param port of the server behind. */
  constructor(port: number, keys: readonly GatewayKey[]) {
    this.#port = port;
    this.#keys = new Map(keys.map(({ key, token }) => [key, token]));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the gateway is not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** The next requests meet these faults, one each, in this order. */
  inject(...faults: readonly GatewayFault[]): void {
    this.#faults.push(...faults);
  }

  /** The number of faults that no request has met yet. */
  get faultsLeft(): number {
    return this.#faults.length;
  }

  /** Discards the remaining faults. */
  heal(): void {
    this.#faults.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { url = "/", headers } = request;
    this.requests.push({ path: url.split("?")[0] ?? "", urlUnits: url.length, headers });
    const fault = this.#faults.shift();
    request.on("error", () => undefined);
    if (fault?.kind === "reset") {
      resetConnection(request.socket);
    } else if (fault?.kind === "answer") {
      request.resume();
      response.writeHead(fault.status, { "content-type": "text/html", ...fault.headers }).end(fault.body ?? "");
    } else if (fault?.kind === "silence") {
      request.resume();
    } else {
      const authorization = this.#authorization(headers);
      if (authorization === undefined) refuse(request, response);
      else this.#passOn(request, response, authorization, fault?.kind === "lose-answer");
    }
  }

  /** A key that is no token may stand in `authorization` too, as long as it is the same. */
  #authorization(headers: IncomingMessage["headers"]): string | undefined {
    const key = headers["apikey"];
    const token = typeof key === "string" ? this.#keys.get(key) : undefined;
    if (token === undefined) return undefined;
    const { authorization } = headers;
    return authorization === undefined || authorization === `Bearer ${String(key)}` ? `Bearer ${token}` : authorization;
  }

  #passOn(request: IncomingMessage, response: ServerResponse, authorization: string, isAnswerLost: boolean): void {
    const { url = "/", method, headers } = request;
    const onward = sendRequest({
      host: "127.0.0.1",
      port: this.#port,
      agent: this.#agent,
      method,
      path: url.startsWith(PREFIX) ? url.slice(PREFIX.length) : url,
      headers: { ...headers, authorization },
    });
    onward.on("error", () => {
      if (response.headersSent) resetConnection(request.socket);
      else response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>");
    });
    onward.on("response", (answer) => {
      answer.on("error", () => resetConnection(request.socket));
      if (isAnswerLost) {
        answer.resume();
        answer.on("end", () => resetConnection(request.socket));
      } else {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }
    });
    request.pipe(onward);
  }
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response
    .writeHead(401, { "content-type": "application/json" })
    .end(JSON.stringify({ message: "Invalid API key", hint: "Double check your Supabase API key." }));
}
