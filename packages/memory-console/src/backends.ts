import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BackendLoaders } from "@rivet/memory-core";

/**
 * The backends' packages, which are the user's: beside this package, or else among those of the project in a folder,
 * for package managers that keep packages apart.
 */
export function backendsOf(projectFolder: string): BackendLoaders {
  const load = (packageName: string) => (): Promise<object> => loadPackage(packageName, projectFolder);
  return {
    memory: load("@rivet/memory-inmemory"),
    sqlite: load("@rivet/memory-sqlite"),
    supabase: load("@rivet/memory-supabase"),
    postgres: load("@rivet/memory-postgres"),
  };
}

async function loadPackage(packageName: string, projectFolder: string): Promise<object> {
  let path: string;
  try {
    path = createRequire(join(projectFolder, "package.json")).resolve(packageName);
  } catch {
    return import(packageName);
  }
  return import(pathToFileURL(path).href);
}
