/**
 * The text of an address, taken apart. A character that should be percent-encoded moves the borders between the parts, and
 * half a password is taken for a host or a database; the text is refused wherever that may have happened, and no message
 * repeats any of it.
 */
import { isIP } from "node:net";
import { invalidInput, type DatabaseError } from "../errors/errors.ts";

export interface Address {
  readonly user: string;
  /** Undefined when it has none, or an empty one. */
  readonly password: string | undefined;
  /** The password as the address writes it. */
  readonly encodedPassword: string | undefined;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export const EXPECTED =
  "expected postgres://user:password@host:5432/database, with / # ? @ % in the password percent-encoded, as encodeURIComponent does";

const PARTS = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s;

/** @throws {DatabaseError} `invalid_input`, without the address and its parts. */
export function parseAddress(address: unknown, path: string): Address {
  if (typeof address !== "string" || !/^postgres(ql)?:\/\//i.test(address)) {
    throw invalidInput(path, `is no address of a PostgreSQL database; ${EXPECTED}`);
  }
  const unencoded = (character: string, code: string): DatabaseError =>
    invalidInput(path, `has a ${character} that is not percent-encoded as ${code}; ${EXPECTED}`);
  if (/[\s\p{Cc}]/u.test(address)) throw invalidInput(path, `has a space or a control character; ${EXPECTED}`);
  if (/%(?![0-9a-f]{2})/i.test(address)) throw unencoded("%", "%25");
  const [, authority, database = "", query = ""] = PARTS.exec(address) ?? [];
  if (authority === undefined) throw unencoded("#", "%23");
  if (database.includes("@") || database.includes("/")) throw unencoded("/", "%2F");
  if (query.includes("@")) throw unencoded("?", "%3F");
  const at = authority.indexOf("@");
  if (at !== authority.lastIndexOf("@")) throw unencoded("@", "%40");
  const credentials = authority.slice(0, Math.max(0, at));
  const colon = credentials.indexOf(":");
  const encodedPassword = colon === -1 ? "" : credentials.slice(colon + 1);
  const [, host = "", port = ""] = HOST_AND_PORT.exec(authority.slice(at + 1)) ?? [];
  try {
    return {
      user: decodeURIComponent(colon === -1 ? credentials : credentials.slice(0, colon)),
      password: decodeURIComponent(encodedPassword) || undefined,
      encodedPassword: encodedPassword || undefined,
      host: decodeURIComponent(host.replace(/^\[(.*)\]$/s, "$1")),
      port,
      database: decodeURIComponent(database),
      parameters: parseParameters(query, path),
    };
  } catch (error) {
    // The native error of a code that stands for no character says nothing of the place.
    throw error instanceof URIError ? unencoded("%", "%25") : error;
  }
}

/** @throws {DatabaseError} `invalid_input` */
export function assertHost(host: string, path: string): void {
  if (host.includes(",")) {
    throw invalidInput(
      path,
      "names several hosts; give each of them a provider of its own, with an address of its own",
    );
  }
  const isName = /^[\p{L}\p{N}._-]+$/u.test(host);
  if (isName || isIP(host) !== 0 || (host.startsWith("/") && !host.includes("\0"))) return;
  throw invalidInput(path, `has no name of a host where one is expected; ${EXPECTED}`);
}

/** @throws {DatabaseError} `invalid_input` */
export function parsePort(port: string, path: string): number {
  // "Several hosts" is the other reason for which no number is found.
  if (port.includes(",")) assertHost(port, path);
  const number = Number(port);
  if (/^\d+$/.test(port) && number >= 1 && number <= 65_535) return number;
  throw invalidInput(path, `has no port from 1 to 65535 where one is expected; ${EXPECTED}`);
}

function parseParameters(query: string, path: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    // The name may be a piece of a password.
    if (parameters.has(name)) throw invalidInput(path, `has a parameter twice after its ?; ${EXPECTED}`);
    parameters.set(name, value);
  }
  return parameters;
}
