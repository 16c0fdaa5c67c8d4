/**
 * Reads from the file in a transaction, says so, and keeps the transaction open until it may write no more to its
 * input.
 */
import Database from "better-sqlite3";

const [path = ""] = process.argv.slice(2);
const database = new Database(path);
database.exec("BEGIN");
database.prepare("SELECT count(*) FROM session_memories").get();
process.stdout.write("reading\n");
process.stdin.resume().on("end", () => database.close());
