/**
 * Reads an address into fields. The driver never receives the address itself, because it would let the address override
 * the options.
 */
import { isIP } from "node:net";
import { assertHost, parseAddress, parsePort } from "./address.ts";
import { assertParameters, choiceOf } from "./address-parameters.ts";
import { authenticationRules, type AuthenticationRules } from "../connection/authentication.ts";
import { invalidInput } from "../errors/errors.ts";
import type { TlsOptions } from "./tls-options.ts";

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
  /** Whether TLS begins at once, without a negotiation with the server. */
  readonly isTlsDirect: boolean;
  /** PEM files, which are read when the first connection is opened. */
  readonly certificateFiles: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly authentication: AuthenticationRules;
  /** The connection time-out that the address sets. */
  readonly connectTimeoutMs: number | undefined;
  readonly statements: "named" | "unnamed";
  /** The name of the server in errors and statistics. */
  readonly place: string;
  /** Every form in which the password occurs in the address. */
  readonly secrets: readonly string[];
}

interface Choices {
  /** The name of the address in an error; the address itself is never repeated. */
  readonly path: string;
  readonly ssl?: boolean | TlsOptions | undefined;
  readonly statements?: "named" | "unnamed" | undefined;
  /** The password to use if the address has none. */
  readonly password?: string | undefined;
}

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;
type SslMode = (typeof SSL_MODES)[number];
/** Values that pg accepts for `ssl` in an address. */
const SSL_SWITCHES = ["true", "1", "false", "0", "no-verify"] as const;
/** The port of Supabase's transaction pooler. */
const TRANSACTION_POOLER_PORT = 6543;
const MAX_CONNECT_TIMEOUT_S = 86_400;

/** @throws {DatabaseError} `invalid_input`, whose message contains no part of the address. */
export function readConnectionFields(text: string, choices: Choices): ConnectionFields {
  const { path, ssl, statements } = choices;
  const address = parseAddress(text, path);
  const { parameters } = address;
  const parameter = (name: string): string | undefined => parameters.get(name) || undefined;
  const host = parameter("host") ?? (address.host || "localhost");
  assertHost(host, path);
  const port = parsePort(parameter("port") ?? (address.port || "5432"), path);
  assertParameters(parameters, path);
  assertNothingElse(parameters, path);
  const user = parameter("user") ?? (address.user || "postgres");
  const password = parameter("password") ?? address.password ?? choices.password;
  const isPooler =
    port === TRANSACTION_POOLER_PORT || host.includes("-pooler.") || parameters.get("pgbouncer") === "true";
  const tls = tlsFor(host, sslMode(parameters, path), ssl, path);
  const isVerified = tls !== undefined && tls.rejectUnauthorized !== false;
  return {
    host,
    port,
    user,
    password,
    database: parameter("dbname") ?? (address.database || user),
    applicationName: parameter("application_name") ?? parameter("fallback_application_name") ?? "rivet",
    options: parameters.get("options"),
    tls,
    isTlsDirect: choiceOf(parameters, "sslnegotiation", ["postgres", "direct"], path) === "direct" && tls !== undefined,
    certificateFiles: certificateFiles(parameters),
    authentication: authenticationRules(parameters, { hasTls: tls !== undefined, isVerified, path }),
    connectTimeoutMs: connectTimeout(parameter("connect_timeout"), path),
    statements: statements ?? (isPooler ? "unnamed" : "named"),
    place: host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    secrets: [password, address.encodedPassword].filter((secret) => secret !== undefined),
  };
}

/** Checks the parameters that are accepted only with the value that applies in any case. */
function assertNothingElse(parameters: ReadonlyMap<string, string>, path: string): void {
  const alone = "a provider that cannot write is detected and receives no writes";
  choiceOf(parameters, "target_session_attrs", ["any"], path, alone);
  choiceOf(parameters, "gssencmode", ["disable", "prefer"], path);
  choiceOf(parameters, "client_encoding", ["UTF8", "utf8", "UTF-8", "utf-8", "auto"], path, "texts are always UTF-8");
  choiceOf(parameters, "pgbouncer", ["true", "false"], path);
}

function connectTimeout(seconds: string | undefined, path: string): number | undefined {
  if (seconds === undefined) return undefined;
  const number = Number(seconds);
  if (/^\d+$/.test(seconds) && number >= 1 && number <= MAX_CONNECT_TIMEOUT_S) return number * 1_000;
  throw invalidInput(
    path,
    `has a connect_timeout that is not a whole number of seconds from 1 to ${MAX_CONNECT_TIMEOUT_S}`,
  );
}

function sslMode(parameters: ReadonlyMap<string, string>, path: string): SslMode | undefined {
  const mode = choiceOf(parameters, "sslmode", SSL_MODES, path);
  const ssl = choiceOf(parameters, "ssl", SSL_SWITCHES, path);
  if (mode !== undefined || ssl === undefined) return mode;
  if (ssl === "no-verify") return ssl;
  return ssl === "true" || ssl === "1" ? "require" : "disable";
}

/** Chooses verified TLS unless the host is this machine or the `ssl` option differs. An address cannot weaken TLS. */
function tlsFor(
  host: string,
  mode: SslMode | undefined,
  ssl: boolean | TlsOptions | undefined,
  path: string,
): TlsOptions | undefined {
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

function certificateFiles(parameters: ReadonlyMap<string, string>): ConnectionFields["certificateFiles"] {
  const [ca, cert, key] = [parameters.get("sslrootcert"), parameters.get("sslcert"), parameters.get("sslkey")];
  return {
    // `system` is libpq's name for Node's default.
    ...(ca && ca !== "system" ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
}
