/** The programs that the matrix runs: each saves a session, reads it back, and prints {@link REMEMBERED}. */

/** The columns of the table: the backends, and the function that opens any of them by its address. */
const BACKENDS = ["in memory", "SQLite", "PostgreSQL", "Supabase"] as const;
type Backend = (typeof BACKENDS)[number];
export const OPEN_STORAGE = "openStorage";
export const COLUMNS: readonly string[] = [...BACKENDS, OPEN_STORAGE];

/** All that a project of the matrix installs of ours. */
export const PACKAGES: readonly string[] = ["core", "inmemory", "sqlite", "postgres", "supabase"].map(
  (name) => `@rivet/memory-${name}`,
);

export const REMEMBERED = "remembered: hello";

interface BackendCode {
  readonly packageName: string;
  readonly className: string;
  readonly construction: string;
}

const CODE: Readonly<Record<Backend, BackendCode>> = {
  "in memory": {
    packageName: "@rivet/memory-inmemory",
    className: "InMemoryStorage",
    construction: "new InMemoryStorage()",
  },
  SQLite: {
    packageName: "@rivet/memory-sqlite",
    className: "SQLiteStorage",
    construction: 'new SQLiteStorage("memory.db")',
  },
  PostgreSQL: {
    packageName: "@rivet/memory-postgres",
    className: "PostgresMemoryStorage",
    construction: "new PostgresMemoryStorage({ connectionString: process.env.DATABASE_URL })",
  },
  Supabase: {
    packageName: "@rivet/memory-supabase",
    className: "SupabaseMemoryStorage",
    construction: "new SupabaseMemoryStorage({ url: process.env.SUPABASE_URL, key: process.env.SUPABASE_SECRET_KEY })",
  },
};

const USE = `
  const session = new Session({ userId: "ada", storage });
  session.addUserMessage("hello");
  await session.save();
  const loaded = await storage.loadSession(session.sessionId);
  const [message] = loaded?.history.messages() ?? [];
  await storage.close();
  return "remembered: " + message?.content;`;

/** A module that exports `remember()`, with `import`. It is JavaScript and TypeScript alike. */
export function importingModule(column: string): string {
  const backend = BACKENDS.find((name) => name === column);
  if (backend === undefined) {
    return `import { openStorage, Session } from "@rivet/memory-core";
export async function remember() {
  const storage = await openStorage("memory:");${USE}
}
`;
  }
  const { packageName, className, construction } = CODE[backend];
  return `import { Session } from "@rivet/memory-core";
import { ${className} } from "${packageName}";
export async function remember() {
  const storage = ${construction};${USE}
}
`;
}

/** The same for `openStorage` in a bundle: the line that makes it work. */
export function bundledOpenStorage(): string {
  return importingModule(OPEN_STORAGE).replace('openStorage("memory:")', `openStorage("memory:", ${BACKENDS_LINE})`);
}

export const BACKENDS_LINE = '{ backends: { memory: () => import("@rivet/memory-inmemory") } }';

/** The same with `require()`. */
export function requiringModule(column: string): string {
  return importingModule(column)
    .replaceAll(/^import (\{.*\}) from (".*");$/gm, "const $1 = require($2);")
    .replace("export async function remember", "exports.remember = async function");
}

/** A program that prints what `remember()` gives. */
export function printing(module: string): string {
  return `${module}\nremember().then(console.log);\n`;
}

/** The same with `require()`. */
export function printingExports(module: string): string {
  return `${module}\nexports.remember().then(console.log);\n`;
}
