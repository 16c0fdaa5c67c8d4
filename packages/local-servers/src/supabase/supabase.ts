import { createHmac, randomBytes } from "node:crypto";
import pg from "pg";
import { startPostgres, type PostgresServer } from "../postgres/postgres.ts";
import { startPostgrest, type Postgrest } from "./postgrest.ts";
import { SupabaseGateway } from "./supabase-gateway.ts";

export interface SupabaseOptions {
  /** The schemas that the API shows. Default: `public`. */
  readonly schemas?: readonly string[];
  /** No answer of the API has more rows. Default: 1,000, as in a new project. */
  readonly maxRows?: number;
}

const DATABASE = "postgres";

/**
 * Starts what a Supabase project's REST API consists of: PostgreSQL with the roles and the schema `auth` of a project,
 * a PostgREST before it, and a gateway that checks keys.
 *
 * @example
 * await using project = await startSupabase();
 * await project.apply("CREATE TABLE ...");
 * createClient(project.url, project.keys.secret);
 */
export async function startSupabase(options: SupabaseOptions = {}): Promise<LocalSupabase> {
  const { schemas = ["public"], maxRows = 1_000 } = options;
  const stack = new AsyncDisposableStack();
  try {
    const server = stack.use(await startPostgres());
    const [jwtSecret, password] = [randomBytes(32).toString("base64url"), randomBytes(18).toString("base64url")];
    await server.query(platformSql(password, schemas));
    const databaseUrl = server.url(DATABASE, "authenticator", password);
    const rest = await startPostgrest({ databaseUrl, jwtSecret, anonymousRole: "anon", schemas, maxRows });
    const postgrest = stack.use(rest);
    const keys = {
      anon: signedToken(jwtSecret, { role: "anon" }),
      serviceRole: signedToken(jwtSecret, { role: "service_role" }),
      publishable: `sb_publishable_${randomBytes(16).toString("base64url")}`,
      secret: `sb_secret_${randomBytes(24).toString("base64url")}`,
    };
    const gateway = new SupabaseGateway(postgrest.port, [
      { key: keys.anon, token: keys.anon },
      { key: keys.serviceRole, token: keys.serviceRole },
      { key: keys.publishable, token: keys.anon },
      { key: keys.secret, token: keys.serviceRole },
    ]);
    await gateway.listen();
    stack.use(gateway);
    return new LocalSupabase({ server, postgrest, gateway, keys, jwtSecret, password, stack: stack.move() });
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The keys of a project: two tokens, as they were, and two of the form that has taken their place. */
export interface SupabaseKeys {
  readonly anon: string;
  readonly serviceRole: string;
  readonly publishable: string;
  readonly secret: string;
}

interface Parts {
  readonly server: PostgresServer;
  readonly postgrest: Postgrest;
  readonly gateway: SupabaseGateway;
  readonly keys: SupabaseKeys;
  readonly jwtSecret: string;
  readonly password: string;
  readonly stack: AsyncDisposableStack;
}

export class LocalSupabase {
  readonly server: PostgresServer;
  readonly postgrest: Postgrest;
  readonly gateway: SupabaseGateway;
  readonly keys: SupabaseKeys;
  readonly #jwtSecret: string;
  readonly #password: string;
  readonly #stack: AsyncDisposableStack;

  constructor({ server, postgrest, gateway, keys, jwtSecret, password, stack }: Parts) {
    this.server = server;
    this.postgrest = postgrest;
    this.gateway = gateway;
    this.keys = keys;
    this.#jwtSecret = jwtSecret;
    this.#password = password;
    this.#stack = stack;
  }

  /** The project's URL. */
  get url(): string {
    return this.gateway.url;
  }

  /** The database's address, for the role that owns the project's tables and is no superuser. */
  get databaseUrl(): string {
    return this.server.url(DATABASE, "project_owner", this.#password);
  }

  /** The token of a user who has signed in. @param userId a UUID. */
  readonly tokenOf = (userId: string): string => signedToken(this.#jwtSecret, { role: "authenticated", sub: userId });

  /** Runs the text of a migration, as the role that owns the project's tables. */
  async apply(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const TOKEN_LIFETIME_S = 24 * 60 * 60;

/** Makes a JSON Web Token, signed by HMAC with SHA-256. */
function signedToken(secret: string, claims: Readonly<Record<string, string>>): string {
  const expires = Math.floor(Date.now() / 1_000) + TOKEN_LIFETIME_S;
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { ...claims, exp: expires },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const text = parts.join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/**
 * Returns the SQL of a project before its first migration: the roles of keys and tokens, `auth.uid()`, default
 * privileges for everyone in the API's schemas, and an event trigger that reloads the API's schema after changes.
 */
function platformSql(password: string, schemas: readonly string[]): string {
  const names = schemas.map((schema) => pg.escapeIdentifier(schema));
  const secret = pg.escapeLiteral(password);
  return `
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD ${secret};
GRANT anon, authenticated, service_role TO authenticator;
ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE authenticator SET statement_timeout = '8s';
CREATE ROLE project_owner LOGIN BYPASSRLS PASSWORD ${secret};
GRANT CREATE ON DATABASE ${DATABASE} TO project_owner;
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, project_owner;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
${names
  .map(
    (schema) => `
CREATE SCHEMA IF NOT EXISTS ${schema};
GRANT USAGE ON SCHEMA ${schema} TO anon, authenticated, service_role;
GRANT USAGE, CREATE ON SCHEMA ${schema} TO project_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA ${schema} GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA ${schema} GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;`,
  )
  .join("\n")}
CREATE FUNCTION auth.tell_api() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY pgrst, 'reload schema'; END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION auth.tell_api();`;
}
