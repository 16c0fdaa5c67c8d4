import { invalidInput, MemoryError } from "./errors.ts";
import type { MemoryStorage } from "./storage.ts";
import type { MemoryStorageOptions } from "./storage-types.ts";
import type { AtomTypes } from "./typed-atoms.ts";

interface Backend {
  readonly packageName: string;
  /** The name of the storage class that the package exports. */
  readonly className: string;
  /** The class's constructor arguments for an address and the options. */
  readonly argumentsFor: (url: string, options: object) => unknown[];
}

const afterScheme = (url: string): string => url.slice(url.indexOf(":") + 1);

const POSTGRES: Backend = {
  packageName: "@rivet/memory-postgres",
  className: "PostgresMemoryStorage",
  // Without an address, the environment has it.
  argumentsFor: (url, options) => [afterScheme(url) === "" ? options : { ...options, connectionString: url }],
};

const BACKENDS: Readonly<Record<string, Backend>> = {
  memory: {
    packageName: "@rivet/memory-inmemory",
    className: "InMemoryStorage",
    argumentsFor: (_, options) => [options],
  },
  sqlite: {
    packageName: "@rivet/memory-sqlite",
    className: "SQLiteStorage",
    argumentsFor: (url, options) => [afterScheme(url) === "" ? undefined : afterScheme(url), options],
  },
  supabase: {
    packageName: "@rivet/memory-supabase",
    className: "SupabaseMemoryStorage",
    argumentsFor: (url, options) => {
      // A key is no part of a URL: both come from the environment.
      if (afterScheme(url) !== "") throw invalidInput("url", "has more than supabase:, which reads the environment");
      return [options];
    },
  },
  postgres: POSTGRES,
  postgresql: POSTGRES,
};

/**
 * Opens the storage that an address names: `memory:`, `sqlite:PATH`, `postgres://…`, or `postgres:` and `supabase:` for what
 * the environment names. Only the backend's own package is loaded.
 *
 * @throws {MemoryError} `invalid_input` for an address of no backend; `schema` with the install command when the
 *   backend's package is missing, `unknown` when it cannot be loaded; and what opening the storage throws. No message
 *   repeats the address, which may hold a password.
 * @example
 * await using storage = await openStorage(process.env.MEMORY_URL ?? "memory:");
 */
export async function openStorage<Types extends AtomTypes = {}>(
  url: string,
  options: MemoryStorageOptions<Types> = {},
): Promise<MemoryStorage<Types>> {
  const scheme = typeof url === "string" ? /^([a-z]+):/.exec(url)?.[1] : undefined;
  const backend = scheme !== undefined && Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (backend === undefined) {
    throw invalidInput(
      "url",
      `has ${scheme === undefined ? "no scheme" : `the scheme "${scheme}"`}; expected ${known()}`,
    );
  }
  const Storage = await loadStorageClass<Types>(backend);
  const storage = new Storage(...backend.argumentsFor(url, options));
  try {
    return await storage.open();
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function known(): string {
  return Object.keys(BACKENDS)
    .map((scheme) => `${scheme}:`)
    .join(" or ");
}

type StorageClass<Types extends AtomTypes> = new (...args: unknown[]) => MemoryStorage<Types>;

async function loadStorageClass<Types extends AtomTypes>(backend: Backend): Promise<StorageClass<Types>> {
  const { packageName, className } = backend;
  let module: Record<string, unknown>;
  try {
    module = await import(packageName);
  } catch (cause) {
    if (!isMissing(cause, packageName)) {
      throw new MemoryError({
        code: "unknown",
        message: `the package ${packageName} is installed but cannot be loaded; the cause says why`,
        operation: "openStorage",
        cause,
      });
    }
    throw new MemoryError({
      code: "schema",
      message: `the package ${packageName} is not installed; run: npm install ${packageName}`,
      operation: "openStorage",
      cause,
    });
  }
  return module[className] as StorageClass<Types>;
}

function isMissing(error: unknown, packageName: string): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${packageName}'`)
  );
}
