import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** The properties of a request that decide whether it is answered. */
export interface RequestFacts {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /**
   * The headers `Sec-Fetch-Site` and `Sec-Fetch-Mode`, by which browsers describe the sender and purpose of a request.
   */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  /** The address of the client; undefined when the application was called without a socket. */
  readonly remoteAddress: string | undefined;
  /** The port that the request came in at; undefined as above. */
  readonly localPort: number | undefined;
}

export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly code: string;
  readonly message: string;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);
const OTHER_SITES: ReadonlySet<string> = new Set(["cross-site", "same-site"]);

/**
 * Why a request is refused, whoever sends it: it comes from another machine, it was meant for another name (a name that
 * was bound to 127.0.0.1 to get past the browser's rules), or a page of another origin sent it. Pure.
 */
export function refusalOf(request: RequestFacts): Refusal | undefined {
  const { method, host, origin, fetchSite, fetchMode, remoteAddress, localPort } = request;
  if (remoteAddress !== undefined && !isLoopback(remoteAddress)) {
    return { status: 403, code: "not_loopback", message: "the console answers only on the machine it runs on" };
  }
  if (host === undefined || !isOurName(host, localPort)) {
    return { status: 421, code: "wrong_host", message: "the console answers only to 127.0.0.1, localhost and [::1]" };
  }
  const isForeign = origin === undefined ? !SAFE_METHODS.has(method) : origin !== `http://${host}`;
  // A link to the console may stand anywhere. Pages at other ports of this machine count as the same site: they get
  // cookies.
  const isEmbedded = fetchSite !== undefined && OTHER_SITES.has(fetchSite) && fetchMode !== "navigate";
  if (isForeign || isEmbedded) {
    return { status: 403, code: "wrong_origin", message: "the console answers only to its own page" };
  }
  return undefined;
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}

function isOurName(host: string, localPort: number | undefined): boolean {
  const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return LOOPBACK_NAMES.has(name) && (localPort === undefined || Number(port ?? 80) === localPort);
}

/** A secret that nobody guesses, in characters that a URL holds as they are. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Takes as long for a wrong guess as for a better one, whatever its length. */
export function isSameSecret(given: string | undefined, secret: string): boolean {
  return given !== undefined && timingSafeEqual(digestOf(given), digestOf(secret));
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
