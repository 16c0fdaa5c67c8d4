/**
 * Loads the package of a backend, through the function that the caller passes or else by its name. A name is resolved
 * from the location of this package; this misses packages installed elsewhere, and no bundler can follow it.
 */
import { invalidInput, MemoryError } from "../errors/errors.ts";
import type { MemoryStorage } from "./storage.ts";
import type { MemoryStorageOptions } from "./storage-types.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";

/** A backend of `openStorage`, by the scheme of its addresses; `postgres` also covers `postgresql:`. */
export type BackendName = "memory" | "sqlite" | "supabase" | "postgres";

/** Functions that load the packages of backends: `{ sqlite: () => import("@rivet/memory-sqlite") }`. */
export type BackendLoaders = Readonly<Partial<Record<BackendName, () => Promise<object>>>>;

/** The options of `openStorage`: the options of the storage, and the loaders of backend packages. */
export interface OpenStorageOptions<Types extends AtomTypes = {}> extends MemoryStorageOptions<Types> {
  /**
   * Loads a backend's package instead of importing it by name, for bundles and for package managers that isolate
   * packages. A bundler follows the `import()` in it. Default: the package is imported by its name, from the location
   * of `@rivet/memory-core`.
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
 * @throws {MemoryError} `schema` when the package is not found or lacks the class, `invalid_input` for a loader that is
 *   not a function, `unknown` with the cause when the package cannot be loaded.
 */
export async function loadStorageClass<Types extends AtomTypes>(
  backend: BackendPackage,
  loaders: BackendLoaders = {},
): Promise<StorageClass<Types>> {
  const { name, packageName, className } = backend;
  const load: unknown = loaders[name] ?? (() => importByName(packageName));
  if (typeof load !== "function") {
    throw invalidInput(`options.backends.${name}`, `is not a function; expected () => import("${packageName}")`);
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
    message: `the package ${packageName} does not export ${className}; ${advice(backend)}`,
    operation: "openStorage",
  });
}

/**
 * The comments make bundlers leave the import as it is, without a warning, because they cannot resolve a computed name.
 */
function importByName(packageName: string): Promise<object> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ packageName);
}

function loadingError(backend: BackendPackage, cause: unknown): MemoryError {
  const { packageName } = backend;
  const isAbsent = isMissing(cause, packageName);
  return new MemoryError({
    code: isAbsent ? "schema" : "unknown",
    message: isAbsent
      ? `the package ${packageName} is not found; run: npm install ${packageName}. If it is already installed, or in a bundle, ${advice(backend)}`
      : `the package ${packageName} is installed but cannot be loaded; see the cause of this error`,
    operation: "openStorage",
    cause,
  });
}

function advice({ name, packageName }: BackendPackage): string {
  return `pass it to openStorage: openStorage(url, { backends: { ${name}: () => import("${packageName}") } })`;
}

/**
 * Whether the package was not found. Each runtime and bundler has its own error code for this, but all of them quote
 * the name.
 */
function isMissing(error: unknown, packageName: string): boolean {
  return error instanceof Error && ["'", '"', "`"].some((quote) => error.message.includes(quote + packageName + quote));
}

function isStorageClass<Types extends AtomTypes>(value: unknown): value is StorageClass<Types> {
  return typeof value === "function";
}
