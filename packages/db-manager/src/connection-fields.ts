/**
 * An address as fields. The driver would let what the address says override the options, so that it never sees one.
 *
 * Honoured: user, password, host, port, database, and the parameters `host`, `port`, `application_name`, `options`,
 * `pgbouncer`, `sslmode`, `sslrootcert`, `sslcert` and `sslkey`. Other parameters are left out: a pooler refuses what it
 * does not know.
 */
import { isIP } from "node:net";
import { parse } from "pg-connection-string";
import { invalidInput, show } from "./errors.ts";
import type { TlsOptions } from "./options.ts";

export interface ConnectionFields {
  /** A name, an IP address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly applicationName: string;
  readonly options: string | undefined;
  readonly tls: TlsOptions | undefined;
  /** Files in PEM that are read when the first connection is made. */
  readonly certificateFiles: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly statements: "named" | "unnamed";
  /** What errors and statistics call the place. */
  readonly place: string;
  /** The password in every form in which the address has it. */
  readonly secrets: readonly string[];
}

interface Choices {
  /** What the address is called in an error; the address itself is never repeated. */
  readonly path: string;
  readonly ssl?: boolean | TlsOptions | undefined;
  readonly statements?: "named" | "unnamed" | undefined;
}

const EXPECTED = "expected postgres://user:password@host:5432/database with special characters percent-encoded";
const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
/** The port of Supabase's transaction pooler. */
const TRANSACTION_POOLER_PORT = 6543;

/** @throws {DatabaseError} `invalid_input`, without the address and its parts. */
export function readConnectionFields(address: string, { path, ssl, statements }: Choices): ConnectionFields {
  if (typeof address !== "string" || !/^postgres(ql)?:\/\//i.test(address)) {
    throw invalidInput(path, `is no address of a PostgreSQL database; ${EXPECTED}`);
  }
  const queryAt = address.indexOf("?");
  const base = queryAt === -1 ? address : address.slice(0, queryAt);
  const parameters = new URLSearchParams(queryAt === -1 ? "" : address.slice(queryAt + 1));
  const parsed = parseBase(base, path);
  const host = parameters.get("host") || parsed.host || "localhost";
  const port = Number(parameters.get("port") || parsed.port || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalidInput(path, "has no port from 1 to 65535");
  if (base.includes("#")) throw invalidInput(path, `has a # that is not percent-encoded as %23; ${EXPECTED}`);
  const user = parsed.user || "postgres";
  const password = parsed.password || parameters.get("password") || undefined;
  const isPooler =
    port === TRANSACTION_POOLER_PORT || host.includes("-pooler.") || parameters.get("pgbouncer") === "true";
  return {
    host,
    port,
    user,
    password,
    database: parsed.database || user,
    applicationName: parameters.get("application_name") || "rivet",
    options: parameters.get("options") ?? undefined,
    tls: tlsFor(host, parameters.get("sslmode"), ssl, path),
    certificateFiles: certificateFiles(parameters),
    statements: statements ?? (isPooler ? "unnamed" : "named"),
    place: host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    secrets: password === undefined ? [] : [password, rawPassword(base)],
  };
}

function parseBase(base: string, path: string): ReturnType<typeof parse> {
  // The parser would encode all of it once more, and take %2F for three characters.
  if (/%(?![0-9a-f]{2})|\s/i.test(base)) {
    throw invalidInput(path, `has a space, or a % that is not percent-encoded as %25; ${EXPECTED}`);
  }
  try {
    return parse(base);
  } catch {
    // The native error holds the address.
    throw invalidInput(path, `cannot be read as an address; ${EXPECTED}`);
  }
}

function rawPassword(base: string): string {
  const credentials = base.slice(base.indexOf("://") + 3, base.lastIndexOf("@"));
  return credentials.slice(credentials.indexOf(":") + 1);
}

/** Verified TLS, unless the host is this machine or the `ssl` option says otherwise; an address cannot weaken it. */
function tlsFor(
  host: string,
  mode: string | null,
  ssl: boolean | TlsOptions | undefined,
  path: string,
): TlsOptions | undefined {
  if (mode !== null && !SSL_MODES.includes(mode)) {
    throw invalidInput(path, `has sslmode=${show(mode)}; expected one of ${SSL_MODES.join(", ")}`);
  }
  if (ssl === false) return undefined;
  if (ssl !== undefined) return { rejectUnauthorized: true, ...(ssl === true ? {} : ssl) };
  const isVerified = mode === "require" || mode === "verify-ca" || mode === "verify-full";
  if (isThisMachine(host)) return isVerified ? { rejectUnauthorized: true } : undefined;
  if (mode === "disable" || mode === "no-verify") {
    const option = mode === "disable" ? "ssl: false" : "ssl: { rejectUnauthorized: false }";
    throw invalidInput(
      path,
      `has sslmode=${mode} for a host that is not this machine; leave it out, or set the provider's option ${option}`,
    );
  }
  return { rejectUnauthorized: true };
}

function isThisMachine(host: string): boolean {
  return (
    host.startsWith("/") ||
    /^(.+\.)?localhost\.?$/i.test(host) ||
    host === "::1" ||
    (isIP(host) === 4 && host.startsWith("127.")) ||
    /^::ffff:(127\.|7f[0-9a-f]{2}:)/i.test(host)
  );
}

function certificateFiles(parameters: URLSearchParams): ConnectionFields["certificateFiles"] {
  const [ca, cert, key] = [parameters.get("sslrootcert"), parameters.get("sslcert"), parameters.get("sslkey")];
  return {
    // libpq's word for what Node does anyway.
    ...(ca && ca !== "system" ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
}
