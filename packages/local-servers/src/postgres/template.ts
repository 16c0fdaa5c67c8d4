import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { embeddedPostgres } from "./binaries.ts";
import { madeOnce } from "../process/made-once.ts";
import { SERVER_USER } from "./server-user.ts";

export interface Template {
  /** The folder of PostgreSQL's programs, which the server's user may read. */
  readonly programs: string;
  readonly data: string;
  readonly password: string;
}

/** Changes with the binaries, and with anything that changes what is made here. */
const VERSION = "18.4.0-beta.17-3";

/**
 * An initialised data directory, to be copied. `initdb` takes a second, and runs once on a machine for each of its
 * users; any number of processes may ask at once.
 */
export async function template(): Promise<Template> {
  const folder = await madeOnce(`postgres-${VERSION}`, fillTemplate);
  return {
    programs: SERVER_USER !== undefined ? join(folder, "programs") : embeddedPostgres(),
    data: join(folder, "data"),
    password: await readFile(join(folder, "password"), "utf8"),
  };
}

async function fillTemplate(draft: string): Promise<void> {
  // The server's user may traverse the folder, but not list it.
  await chmod(draft, 0o711);
  const password = randomBytes(18).toString("base64url");
  const [data, passwordFile] = [join(draft, "data"), join(draft, "password")];
  await writeFile(passwordFile, password, { mode: 0o600 });
  await mkdir(data, { mode: 0o700 });
  await giveToServer(data, passwordFile);
  // A home of root may be closed to everyone else.
  const programs = SERVER_USER !== undefined ? join(draft, "programs") : embeddedPostgres();
  if (SERVER_USER !== undefined) await cp(embeddedPostgres(), programs, { recursive: true, verbatimSymlinks: true });
  // This locale handles upper and lower case in all scripts, and needs no locale of the machine.
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  // SCRAM's rounds protect guessable passwords. This one is random, and tests open thousands of connections.
  const authentication = ["--auth=scram-sha-256", "--set=scram_iterations=1"];
  const flags = ["--username=postgres", ...authentication, "--no-sync", ...locale];
  await promisify(execFile)(
    join(programs, "bin", "initdb"),
    [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...flags],
    { ...SERVER_USER, cwd: draft },
  );
}

/** A copy of the template's data directory. */
export async function copyData(original: string, copy: string): Promise<void> {
  await cp(original, copy, { recursive: true });
  await chmod(copy, 0o700);
  const entries = SERVER_USER !== undefined ? await readdir(copy, { recursive: true }) : [];
  await giveToServer(copy, ...entries.map((entry) => join(copy, entry)));
}

/** Makes the server's user the owner. */
export async function giveToServer(...paths: readonly string[]): Promise<void> {
  if (SERVER_USER === undefined) return;
  const { uid, gid } = SERVER_USER;
  await Promise.all(paths.map((path) => chown(path, uid, gid)));
}
