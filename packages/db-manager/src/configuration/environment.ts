/** The environment as options. */
import { readConnectionFields } from "./connection-fields.ts";
import { invalidInput, show, type DatabaseError } from "../errors/errors.ts";
import type { DatabaseManagerOptions, ProviderConfig } from "./options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A name in the order that has no address. */
export interface SkippedProvider {
  readonly name: string;
  /** The variables that could have given one. */
  readonly variables: readonly string[];
}

export interface EnvironmentOptions {
  readonly options: DatabaseManagerOptions;
  readonly skipped: readonly SkippedProvider[];
}

const DEFAULT_ORDER = "neon,supabase,railway,local";
const DEFAULT_JOURNAL_PATH = "data/local.db";
/** The name in the order that stands for a file of this machine. */
const JOURNAL = "local";
/** What the provider of DATABASE_URL is called, unless DATABASE_PROVIDER gives it a name. */
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

/** @throws {DatabaseError} `invalid_input` for a value that is none, and when no variable gives an address. */
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
    throw invalidInput("DATABASE_PROVIDER", `is ${show(primary)}, which is none of ${order.join(", ")}`);
  }
  if (providers.length === 0) throw noProvider(found);
  if (primary !== undefined && !providers.some(({ name }) => name === primary)) {
    const variables = variablesOf(primary).join(", ");
    throw invalidInput("DATABASE_PROVIDER", `is ${show(primary)}, which has no address; looked at ${variables}`);
  }
  return { options: { providers, primary, failover, ...journal }, skipped };
}

/** `local` in the order is the journal, unless it has the address of a PostgreSQL. */
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
    throw invalidInput(variable, `has the name ${show(name)}; expected letters, digits, - and _`);
  }
}

/** One variable a name, but for those whose address may come in parts or as a file. */
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
      "must be the name of a host alone, such as db.abcdefgh.supabase.co: no https://, no port, no path",
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
  return invalidInput("environment", `has the address of no database; looked at ${variables.join(", ")}`);
}

/** What templates of settings have where a value is to come: `your_password_here`, `[YOUR-PASSWORD]`, `<host>`. */
const PLACEHOLDER =
  /^(\[?your[_-](\w+[_-])*(password|host|key|user|url|database|db|project|ref|name|here)\]?|<[\w -]+>)$/i;

/** A variable that is empty, or has a placeholder in it, is not set. */
function value(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim() ?? "";
  const hasPlaceholder = text.split(/[:/@?&=]+/).some((part) => PLACEHOLDER.test(part));
  return text === "" || hasPlaceholder ? undefined : text;
}
