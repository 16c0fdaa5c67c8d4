/**
 * Checks the parameters of an address. Every parameter is either honoured, or refused by name with advice on what to do
 * instead; none is ignored silently.
 */
import { EXPECTED } from "./address.ts";
import { invalidInput } from "../errors/errors.ts";

/** Parameters that {@link readConnectionFields} honours. */
const HONOURED: ReadonlySet<string> = new Set([
  "application_name",
  "channel_binding",
  "client_encoding",
  "connect_timeout",
  "dbname",
  "fallback_application_name",
  "gssencmode",
  "host",
  "options",
  "password",
  "pgbouncer",
  "port",
  "require_auth",
  "ssl",
  "sslcert",
  "sslkey",
  "sslmode",
  "sslnegotiation",
  "sslrootcert",
  "target_session_attrs",
  "user",
]);

/** Markers for a provider's own statistics, which have no effect on a connection. */
const WITHOUT_MEANING: ReadonlySet<string> = new Set(["supa"]);

const NAME_THE_SCHEMA = "set the storage's option schema, or name the schema in each statement";
/** Matches the three forms of a server's command line: `-c name=value`, `-cname=value`, `--name=value`. */
const SETS_SEARCH_PATH = /(?:^|\s)(?:-c\s*|--)search[_-]path\s*=/i;
const OPTION_OF_PROVIDER = (option: string): string => `use the provider's option ${option}`;
const SESSION_SETTING =
  "a pooler refuses it; set it for the role (ALTER ROLE … SET …), or, without a pooler, use options=-c%20name%3Dvalue";
const NOT_SUPPORTED = "leave it out";

/**
 * Parameters that people copy from addresses for libpq, node-postgres, Prisma, JDBC and others. Only these names are
 * shown in an error, because any other text after a question mark may be part of a password.
 */
const REFUSED: Readonly<Record<string, string>> = {
  schema: NAME_THE_SCHEMA,
  currentSchema: NAME_THE_SCHEMA,
  search_path: NAME_THE_SCHEMA,
  searchpath: NAME_THE_SCHEMA,
  connection_limit: OPTION_OF_PROVIDER("poolSize"),
  max: OPTION_OF_PROVIDER("poolSize"),
  pool_size: OPTION_OF_PROVIDER("poolSize"),
  max_pool_size: OPTION_OF_PROVIDER("poolSize"),
  pool_timeout: "use the manager's option operationTimeoutMs",
  connectionTimeoutMillis: OPTION_OF_PROVIDER("connectTimeoutMs"),
  idleTimeoutMillis: NOT_SUPPORTED,
  query_timeout: OPTION_OF_PROVIDER("statementTimeoutMs"),
  socket_timeout: OPTION_OF_PROVIDER("statementTimeoutMs"),
  statement_timeout: SESSION_SETTING,
  lock_timeout: SESSION_SETTING,
  idle_in_transaction_session_timeout: SESSION_SETTING,
  default_transaction_isolation: SESSION_SETTING,
  default_transaction_read_only: SESSION_SETTING,
  timezone: SESSION_SETTING,
  statement_cache_size: OPTION_OF_PROVIDER("statements"),
  prepared_statements: OPTION_OF_PROVIDER("statements"),
  prepare: OPTION_OF_PROVIDER("statements"),
  prepareThreshold: OPTION_OF_PROVIDER("statements"),
  sslaccept: OPTION_OF_PROVIDER("ssl"),
  sslidentity: OPTION_OF_PROVIDER("ssl"),
  sslpassword: OPTION_OF_PROVIDER("ssl"),
  sslcrl: OPTION_OF_PROVIDER("ssl"),
  sslcrldir: OPTION_OF_PROVIDER("ssl"),
  sslcertmode: OPTION_OF_PROVIDER("ssl"),
  sslcompression: OPTION_OF_PROVIDER("ssl"),
  sslsni: OPTION_OF_PROVIDER("ssl"),
  ssl_min_protocol_version: OPTION_OF_PROVIDER("ssl"),
  ssl_max_protocol_version: OPTION_OF_PROVIDER("ssl"),
  requiressl: OPTION_OF_PROVIDER("ssl"),
  uselibpqcompat: "TLS certificates are always verified; to change that, use the provider's option ssl",
  load_balance_hosts: "give each host its own provider",
  hostaddr: "give the address as the host",
  database: "give the database after the slash, or as dbname",
  db: "give the database after the slash, or as dbname",
  username: "give the user before the @, or as user",
  encoding: "client_encoding is always UTF8",
  binary: NOT_SUPPORTED,
  gssdelegation: NOT_SUPPORTED,
  gsslib: NOT_SUPPORTED,
  keepalives: "TCP keepalive is always on: leave the parameter out",
  keepalives_count: NOT_SUPPORTED,
  keepalives_idle: NOT_SUPPORTED,
  keepalives_interval: NOT_SUPPORTED,
  krbsrvname: NOT_SUPPORTED,
  max_protocol_version: NOT_SUPPORTED,
  min_protocol_version: NOT_SUPPORTED,
  oauth_client_id: NOT_SUPPORTED,
  oauth_client_secret: NOT_SUPPORTED,
  oauth_issuer: NOT_SUPPORTED,
  oauth_scope: NOT_SUPPORTED,
  passfile: NOT_SUPPORTED,
  replication: NOT_SUPPORTED,
  requirepeer: NOT_SUPPORTED,
  scram_client_key: NOT_SUPPORTED,
  scram_server_key: NOT_SUPPORTED,
  service: NOT_SUPPORTED,
  servicefile: NOT_SUPPORTED,
  sslkeylogfile: NOT_SUPPORTED,
  tcp_user_timeout: NOT_SUPPORTED,
};

/** @throws {DatabaseError} `invalid_input` with the name of an unsupported parameter. */
export function assertParameters(parameters: ReadonlyMap<string, string>, path: string): void {
  let place = 0;
  for (const name of parameters.keys()) {
    place += 1;
    if (name === "options" && SETS_SEARCH_PATH.test(parameters.get(name) ?? "")) {
      throw invalidInput(path, `sets search_path in its options, which has no effect here; ${NAME_THE_SCHEMA}`);
    }
    if (HONOURED.has(name) || WITHOUT_MEANING.has(name)) continue;
    const advice = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (advice !== undefined) throw invalidInput(path, `has the parameter ${name}, which is not supported; ${advice}`);
    throw invalidInput(
      path,
      `has an unknown parameter, number ${place} after its ?; leave it out, or use one of ${[...HONOURED].join(", ")}; ${EXPECTED}`,
    );
  }
}

/**
 * Reads a parameter that accepts only certain values. An error does not show the value, which may be part of a
 * password.
 *
 * @throws {DatabaseError} `invalid_input`
 */
export function choiceOf<Choice extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  choices: readonly Choice[],
  path: string,
  advice = "",
): Choice | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  const expected = `expected ${choices.length > 1 ? "one of " : ""}${choices.join(", ")}`;
  throw invalidInput(path, `has an unsupported value of ${name}; ${expected}${advice && `; ${advice}`}`);
}
