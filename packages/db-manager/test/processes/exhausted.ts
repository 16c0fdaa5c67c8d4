/** Asks a server when this process may open no more files, and prints what it is told. */
import { closeSync, openSync } from "node:fs";
import { DatabaseError, DatabaseManager } from "@rivet/db-manager";

const [connectionString = ""] = process.argv.slice(2);
const db = new DatabaseManager({ providers: [{ name: "main", connectionString }] });
const files: number[] = [];
try {
  for (;;) files.push(openSync("/dev/null", "r"));
} catch {
  // Now there is none left.
}
const error: unknown = await db.query("SELECT 1").catch((thrown: unknown) => thrown);
for (const file of files) closeSync(file);
if (!DatabaseError.isInstance(error) || !(error.cause instanceof Error)) throw error;
const { code, retryable, outcome, cause } = error;
const state = db.getProviderStats()["main"]?.state;
console.log(JSON.stringify({ code, retryable, outcome, state, cause: Reflect.get(cause, "code") }));
