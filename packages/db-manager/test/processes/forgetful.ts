/** Asks a server once and forgets to close the manager. */
import { DatabaseManager } from "@rivet/db-manager";

const [connectionString = ""] = process.argv.slice(2);
const db = new DatabaseManager({ providers: [{ name: "main", connectionString }] });
const { rows } = await db.query<{ one: number }>("SELECT 1 AS one");
console.log(JSON.stringify(rows));
