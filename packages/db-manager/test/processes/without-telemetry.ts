/** Asks a server where `@opentelemetry/api` is not installed, with the package imported or required. */
import { createRequire, registerHooks } from "node:module";
import type * as databases from "@rivet/db-manager";

const [how, connectionString = ""] = process.argv.slice(2);
const missing: string[] = [];
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith("@opentelemetry/")) return next(specifier, context);
    missing.push(specifier);
    throw Object.assign(new Error(`Cannot find module '${specifier}'`), { code: "MODULE_NOT_FOUND" });
  },
});

const load = async (): Promise<typeof databases> =>
  how === "required" ? createRequire(import.meta.url)("@rivet/db-manager") : import("@rivet/db-manager");
const { DatabaseManager } = await load();
await using db = new DatabaseManager({ providers: [{ name: "main", connectionString }] });
const { rows } = await db.query<{ one: number }>("SELECT $1::int AS one", [1]);
console.log(JSON.stringify({ rows, missing }));
