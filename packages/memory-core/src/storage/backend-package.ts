/**
 * Loads the package of a backend: through the function that the caller passes for it, or else by its name. A name is looked for
 * from where this package is, which misses what is installed elsewhere, and which no bundler can follow.
 */
import { invalidInput, MemoryError } from "../errors/errors.ts";
import type { MemoryStorage } from "./storage.ts";
import type { MemoryStorageOptions } from "./storage-types.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";

/** A backend of `openStorage`, by the scheme of its addresses; `postgres` stands for `postgresql:` too. */
export type BackendName = "memory" | "sqlite" | "supabase" | "postgres";

/** Functions that load the packages of backends: `{ sqlite: () => import("@rivet/memory-sqlite") }`. */
export type BackendLoaders = Readonly<Partial<Record<BackendName, () => Promise<object>>>>;

/** The options of `openStorage`: those of the storage, and where its package is. */
export interface OpenStorageOptions<Types extends AtomTypes = {}> extends MemoryStorageOptions<Types> {
  /**
   * Loads a backend's package in place of its name, for bundles and for package managers that keep packages apart. A bundler
   * follows the `import()` in it. Default: the package is imported by its name, from where `@rivet/memory-core` is.
   */
  backends?: BackendLoaders;
}

export interface BackendPackage {
  readonly name: BackendName;
  readonly packageName: string;
  /** The name of the storage class that the package exports. */
  readonly className: string;
}

type StorageClass<Types extends AtomTypes> = new (...args: unknown[]) => MemoryStorage<Types>;

/**
 * @throws {MemoryError} `schema` when the package is not found or lacks the class, `invalid_input` for a loader that is no
 *   function, `unknown` with the cause when the package cannot be loaded.
 */
export async function loadStorageClass<Types extends AtomTypes>(
  backend: BackendPackage,
  loaders: BackendLoaders = {},
): Promise<StorageClass<Types>> {
  const { name, packageName, className } = backend;
  const load: unknown = loaders[name] ?? (() => importByName(packageName));
  if (typeof load !== "function") {
    throw invalidInput(`options.backends.${name}`, `is no function; expected () => import("${packageName}")`);
  }
  let module: object;
  try {
    module = await load();
  } catch (cause) {
    throw loadingError(backend, cause);
  }
  const exported: unknown = Reflect.get(Object(module), className);
  if (isStorageClass<Types>(exported)) return exported;
  throw new MemoryError({
    code: "schema",
    message: `the package ${packageName} was loaded without its ${className}; ${advice(backend)}`,
    operation: "openStorage",
  });
}

/** The comments make bundlers leave the import as it is, without a warning, instead of following a name that they cannot know. */
function importByName(packageName: string): Promise<object> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ packageName);
}

function loadingError(backend: BackendPackage, cause: unknown): MemoryError {
  const { packageName } = backend;
  const isAbsent = isMissing(cause, packageName);
  return new MemoryError({
    code: isAbsent ? "schema" : "unknown",
    message: isAbsent
      ? `the package ${packageName} is not found; run: npm install ${packageName}. Where it is installed, and in a bundle, ${advice(backend)}`
      : `the package ${packageName} is there and cannot be loaded; the cause says why`,
    operation: "openStorage",
    cause,
  });
}

function advice({ name, packageName }: BackendPackage): string {
  return `pass it: openStorage(url, { backends: { ${name}: () => import("${packageName}") } })`;
}

/** Each runtime and bundler has a code of its own for it, and all of them put the name in quotes. */
function isMissing(error: unknown, packageName: string): boolean {
  return error instanceof Error && ["'", '"', "`"].some((quote) => error.message.includes(quote + packageName + quote));
}

function isStorageClass<Types extends AtomTypes>(value: unknown): value is StorageClass<Types> {
  return typeof value === "function";
}
