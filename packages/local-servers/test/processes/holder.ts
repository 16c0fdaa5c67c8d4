/** Starts a server and a PgBouncer, prints where they are, and ends as it is told: by itself, or when it is killed. */
import { startPgBouncer, startPostgres } from "@rivet/local-servers";

const server = await startPostgres();
const bouncer = await startPgBouncer({ target: server });
console.log(JSON.stringify({ ports: [server.port, bouncer.port], folders: [server.folder, bouncer.folder] }));
if (process.argv[2] === "exit") process.exit(0);
if (process.argv[2] === "throw") throw new Error("on purpose");
setInterval(() => undefined, 60_000);
