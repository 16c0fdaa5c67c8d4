/**
 * Changes a session, and kills itself at one of the statements that this takes, of the change and of bringing it to the
 * other providers. Says each statement before it is sent, and when the change is acknowledged.
 *
 * Arguments: what to do, the session's id, the id of a fact of it; and `before` or `after` with a statement, if it is
 * to die.
 */
import { writeSync } from "node:fs";
import type { MemoryStorage, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import pg from "pg";

const [change = "", sessionId = "", factId = "", moment, fatal] = process.argv.slice(2);

/** By the names of their databases. */
const providers = new Map(
  (process.env["DATABASE_FAILOVER_ORDER"] ?? "").split(",").map((name) => {
    const url = new URL(process.env[`${name.toUpperCase()}_DB_URL`] ?? "");
    return [url.pathname.slice(1), name];
  }),
);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function dieAt(here: string, statement: string): void {
  if (here === moment && statement === fatal) process.kill(process.pid, "SIGKILL");
}

type Callback = (error: Error | null, result: pg.QueryResult | undefined) => void;

/** A query object of pg has its callback with it. */
type Query = pg.QueryConfig & { readonly callback?: Callback };

/** Every statement of this process is sent by a client of pg. */
function watchStatements(): void {
  const send: (this: pg.Client, query: Query, callback?: Callback) => unknown = pg.Client.prototype.query;
  const watch = function (this: pg.Client, query: Query, callback: Callback | undefined = query.callback): unknown {
    const statement = `${providers.get(this.database ?? "")} ${query.name ?? query.text}`;
    say(`statement ${statement} ${query.text.trim().replaceAll(/\s+/g, " ")}`);
    dieAt("before", statement);
    const onAnswer: Callback = (error, result) => {
      dieAt("after", statement);
      callback?.(error, result);
    };
    if (query.callback === undefined) return send.call(this, query, onAnswer);
    return send.call(this, Object.assign(query, { callback: onAnswer }));
  };
  Object.assign(pg.Client.prototype, { query: watch });
}

async function save(session: Session): Promise<void> {
  say(`session ${JSON.stringify(session)}`);
  watchStatements();
  await session.save();
}

async function run(storage: MemoryStorage, session: Session): Promise<void> {
  if (change === "append") {
    session.addUserMessage("three");
    session.addAssistantMessage("four");
    session.setMetadata("plant", "north");
    await save(session);
  } else if (change === "clear") {
    session.clearHistory();
    session.addUserMessage("three");
    await save(session);
  } else {
    watchStatements();
    if (change === "delete an atom") await storage.deleteMemoryAtoms(sessionId, [factId]);
    else if (change === "delete a session") await storage.deleteSession(sessionId);
    else await storage.deleteUser(session.userId);
  }
}

const storage = await new PostgresMemoryStorage().open();
const session = await storage.loadSession(sessionId);
if (session === null) throw new Error("there is no session to change");
await run(storage, session);
say("acknowledged");
// Replication goes on in the background, until this process dies or is killed.
setInterval(() => undefined, 60_000);
