/**
 * Splits an address into its parts. A character that should have been percent-encoded moves the borders between the
 * parts, so that half a password could be read as a host or a database. The parser refuses every address in which that
 * may have happened, and no message repeats any part of the address.
 */
import { isIP } from "node:net";
import { invalidInput, type DatabaseError } from "../errors/errors.ts";

export interface Address {
  readonly user: string;
  /** Undefined if the address has no password or an empty one. */
  readonly password: string | undefined;
  /** The password as it is written in the address. */
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
    throw invalidInput(path, `is not an address of a PostgreSQL database; ${EXPECTED}`);
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
    // The native error for an invalid percent-encoding does not include its position.
    throw error instanceof URIError ? unencoded("%", "%25") : error;
  }
}

/** @throws {DatabaseError} `invalid_input` */
export function assertHost(host: string, path: string): void {
  if (host.includes(",")) {
    throw invalidInput(path, "names several hosts; give each host its own provider with its own address");
  }
  const isName = /^[\p{L}\p{N}._-]+$/u.test(host);
  if (isName || isIP(host) !== 0 || (host.startsWith("/") && !host.includes("\0"))) return;
  throw invalidInput(path, `has no valid host name; ${EXPECTED}`);
}

/** @throws {DatabaseError} `invalid_input` */
export function parsePort(port: string, path: string): number {
  // A comma means several hosts, which deserve a message of their own.
  if (port.includes(",")) assertHost(port, path);
  const number = Number(port);
  if (/^\d+$/.test(port) && number >= 1 && number <= 65_535) return number;
  throw invalidInput(path, `has a port that is not a number from 1 to 65535; ${EXPECTED}`);
}

function parseParameters(query: string, path: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    // The name is not shown, because it may be part of a password.
    if (parameters.has(name)) throw invalidInput(path, `has the same parameter twice after its ?; ${EXPECTED}`);
    parameters.set(name, value);
  }
  return parameters;
}
