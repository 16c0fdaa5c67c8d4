/** Reads the environment variables into options. Empty variables and placeholders count as unset. */
import { readConnectionFields } from "./connection-fields.ts";
import { invalidInput, show, type DatabaseError } from "../errors/errors.ts";
import type { DatabaseManagerOptions, ProviderConfig } from "./options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A provider that the order names but that has no address. */
export interface SkippedProvider {
  readonly name: string;
  /** The variables that could have contained its address. */
  readonly variables: readonly string[];
}

export interface EnvironmentOptions {
  readonly options: DatabaseManagerOptions;
  readonly skipped: readonly SkippedProvider[];
}

const DEFAULT_ORDER = "neon,supabase,railway,local";
const DEFAULT_JOURNAL_PATH = "data/local.db";
/** The name in the order that stands for a local file. */
const JOURNAL = "local";
/** The name of the provider of DATABASE_URL, unless DATABASE_PROVIDER sets one. */
const ONLY_PROVIDER = "postgres";
const SWITCHES: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  "1": true,
  false: false,
  off: false,
  no: false,
  "0": false,
};

/** @throws {DatabaseError} `invalid_input` for an invalid value, and if no variable contains an address. */
export function readEnvironment(env: Environment): EnvironmentOptions {
  const order = readOrder(env);
  const primary = value(env, "DATABASE_PROVIDER")?.toLowerCase();
  const failover = readSwitch(env, "DATABASE_FAILOVER_ENABLED", true);
  const found = order.map((name) => ({ name, variables: variablesOf(name), address: addressOf(env, name) }));
  const providers: ProviderConfig[] = found.flatMap(({ name, address }) =>
    address === undefined ? [] : [{ name, connectionString: address }],
  );
  const journalPath = value(env, "LOCAL_DB_PATH");
  const journal = failover ? journalOf(order, providers, journalPath) : {};
  const skipped = found
    .filter(({ name, address }) => address === undefined && !(name === JOURNAL && journal.journalPath !== undefined))
    .map(({ name, variables }) => ({ name, variables }));
  const onlyAddress = value(env, "DATABASE_URL");
  if (providers.length === 0 && onlyAddress !== undefined) {
    const name = primary ?? ONLY_PROVIDER;
    checkName(name, "DATABASE_PROVIDER");
    readConnectionFields(onlyAddress, { path: "DATABASE_URL" });
    const only = { name, connectionString: onlyAddress };
    return { options: { providers: [only], failover, ...(failover && { journalPath }) }, skipped };
  }
  if (primary !== undefined && !order.includes(primary)) {
    throw invalidInput("DATABASE_PROVIDER", `is ${show(primary)}; expected one of ${order.join(", ")}`);
  }
  if (providers.length === 0) throw noProvider(found);
  if (primary !== undefined && !providers.some(({ name }) => name === primary)) {
    const variables = variablesOf(primary).join(", ");
    throw invalidInput("DATABASE_PROVIDER", `is ${show(primary)}, which has no address; set ${variables}`);
  }
  return { options: { providers, primary, failover, ...journal }, skipped };
}

/**
 * Reads the place of the journal. `local` in the order is the journal, unless it has the address of a PostgreSQL
 * server.
 */
function journalOf(
  order: readonly string[],
  providers: readonly ProviderConfig[],
  path = DEFAULT_JOURNAL_PATH,
): Pick<DatabaseManagerOptions, "journalPath" | "journalAfter"> {
  if (!order.includes(JOURNAL) || providers.some(({ name }) => name === JOURNAL)) return {};
  const before = order.slice(0, order.indexOf(JOURNAL));
  return { journalPath: path, journalAfter: providers.filter(({ name }) => before.includes(name)).length };
}

function readOrder(env: Environment): readonly string[] {
  const variable = "DATABASE_FAILOVER_ORDER";
  const names = (value(env, variable) ?? DEFAULT_ORDER).split(",").map((name) => name.trim().toLowerCase());
  names.forEach((name, index) => {
    checkName(name, variable);
    if (names.indexOf(name) !== index) throw invalidInput(variable, `has ${show(name)} twice`);
  });
  return names;
}

function checkName(name: string, variable: string): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    throw invalidInput(variable, `contains the invalid name ${show(name)}; expected letters, digits, - and _`);
  }
}

/** Returns the variables of a provider: usually one, or several if the address may be given in parts. */
function variablesOf(name: string): readonly string[] {
  if (name === "supabase") return ["SUPABASE_DB_URL", "SUPABASE_DB_HOST", "SUPABASE_DB_PASSWORD"];
  return [`${name.toUpperCase().replaceAll("-", "_")}_DB_URL`];
}

function addressOf(env: Environment, name: string): string | undefined {
  const [variable = ""] = variablesOf(name);
  const address = value(env, variable);
  if (address !== undefined) readConnectionFields(address, { path: variable });
  return address ?? (name === "supabase" ? supabaseAddress(env) : undefined);
}

function supabaseAddress(env: Environment): string | undefined {
  const host = value(env, "SUPABASE_DB_HOST");
  const password = value(env, "SUPABASE_DB_PASSWORD");
  if (host === undefined && password === undefined) return undefined;
  if (host === undefined) throw invalidInput("SUPABASE_DB_HOST", "is not set, but SUPABASE_DB_PASSWORD is; set both");
  if (password === undefined)
    throw invalidInput("SUPABASE_DB_PASSWORD", "is not set, but SUPABASE_DB_HOST is; set both");
  if (!/^([\p{L}\p{N}._-]+|\[[\da-f:]+\])$/iu.test(host)) {
    throw invalidInput(
      "SUPABASE_DB_HOST",
      "must be only the name of a host, such as db.abcdefgh.supabase.co, without https://, port or path",
    );
  }
  const user = encodeURIComponent(value(env, "SUPABASE_DB_USER") ?? "postgres");
  const database = encodeURIComponent(value(env, "SUPABASE_DB_NAME") ?? "postgres");
  const port = value(env, "SUPABASE_DB_PORT") ?? "5432";
  const address = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
  readConnectionFields(address, { path: "SUPABASE_DB_HOST, SUPABASE_DB_PORT, SUPABASE_DB_USER or SUPABASE_DB_NAME" });
  return address;
}

function readSwitch(env: Environment, variable: string, fallback: boolean): boolean {
  const text = value(env, variable);
  if (text === undefined) return fallback;
  const isOn = SWITCHES[text.toLowerCase()];
  if (isOn === undefined) throw invalidInput(variable, `is ${show(text)}; expected true or false`);
  return isOn;
}

function noProvider(skipped: readonly SkippedProvider[]): DatabaseError {
  const variables = [...new Set(["DATABASE_URL", ...skipped.flatMap((provider) => provider.variables)])];
  return invalidInput("environment", `contains no address of a database; set one of ${variables.join(", ")}`);
}

/** Placeholders of settings templates: `your_password_here`, `[YOUR-PASSWORD]`, `<host>`. */
const PLACEHOLDER =
  /^(\[?your[_-](\w+[_-])*(password|host|key|user|url|database|db|project|ref|name|here)\]?|<[\w -]+>)$/i;

/** Reads a variable. An empty one, or one that contains a placeholder, counts as unset. */
function value(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim() ?? "";
  const hasPlaceholder = text.split(/[:/@?&=]+/).some((part) => PLACEHOLDER.test(part));
  return text === "" || hasPlaceholder ? undefined : text;
}
