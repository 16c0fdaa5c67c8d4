/** Checks a SQLite file without changing anything. */
import { constants, existsSync } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { atomIdTimeMs, lastIdWithinLead } from "@rivet/memory-core";
import { SCHEMA_VERSION } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { isFine, ok, problem, UPGRADE, warning, type Finding } from "./finding.ts";
import { idsFinding, SQL_LIMITS, type SessionAhead } from "./ids-ahead.ts";

const LITTLE_ROOM_BYTES = 200 * 1024 * 1024;

export async function examineSQLite(path: string): Promise<Finding[]> {
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) return [problem(path, "unreachable", `there is no folder ${folder}`, "make it")];
  if (!existsSync(path)) {
    return [
      ok(path, "reachable", "is not there yet: the first storage that opens it makes it"),
      ...(await examineRoom(path, folder)),
    ];
  }
  const findings: Finding[] = [];
  let isMemory = false;
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    try {
      findings.push(...examineDatabase(database, path));
      // The rights and the rows of what is no memory are its owner's matter.
      isMemory = findings.every(isFine);
      if (isMemory) findings.push(examineIds(database, path, Date.now()));
    } finally {
      database.close();
    }
  } catch (error) {
    const isNoDatabase = error instanceof Error && "code" in error && error.code === "SQLITE_NOTADB";
    findings.push(
      problem(
        path,
        isNoDatabase ? "damaged" : "unreachable",
        isNoDatabase ? "is no SQLite database" : "cannot be read",
        "check the path and its rights",
      ),
    );
  }
  return [...findings, ...(isMemory ? await examineRights(path, folder) : []), ...(await examineRoom(path, folder))];
}

/** Rights of the group and of everybody else. */
const OTHERS = 0o077;

/** Whether other users of the machine may read the file, its log or its index, or look into the folder. */
async function examineRights(path: string, folder: string): Promise<Finding[]> {
  // Windows has no such rights.
  if (process.platform === "win32") return [];
  const findings: Finding[] = [];
  for (const file of [path, `${path}-wal`, `${path}-shm`].filter((name) => existsSync(name))) {
    const rights = (await stat(file)).mode & 0o777;
    if ((rights & OTHERS) === 0) continue;
    const text = `other users of this machine have rights to it (${rights.toString(8)})`;
    findings.push(warning(file, "rights", text, `chmod 600 ${file}`));
  }
  const rights = (await stat(folder)).mode & 0o777;
  if ((rights & OTHERS) !== 0) {
    const text = `other users of this machine have rights to its folder ${folder} (${rights.toString(8)})`;
    findings.push(warning(path, "rights", text, `keep it in a folder of its own, and chmod 700 that`));
  }
  return findings.length === 0 ? [ok(path, "rights", "is for this user alone")] : findings;
}

/** The file that takes saves while no provider does: it is made when it is needed. */
export async function examineJournal(path: string): Promise<Finding[]> {
  if (!existsSync(path)) return [];
  const complaints = (await examineSQLite(path)).filter(({ level }) => level !== "ok");
  if (complaints.some(({ level }) => level === "problem")) return complaints;
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const { waiting, bytes, oldestId } = database.prepare<[], JournalRow>(JOURNAL).get() ?? EMPTY_JOURNAL;
    const action = "they are brought to the providers by an agent that runs here, or by rivet-memory repair";
    return waiting === 0
      ? [...complaints, ok(path, "journal", "nothing waits in the local journal")]
      : [...complaints, warning(path, "journal", backlogText(waiting, bytes, oldestId), action)];
  } catch {
    // An older file has no journal.
    return complaints;
  } finally {
    database.close();
  }
}

interface JournalRow {
  readonly waiting: number;
  readonly bytes: number;
  readonly oldestId: string | null;
}

const EMPTY_JOURNAL: JournalRow = { waiting: 0, bytes: 0, oldestId: null };
const JOURNAL = `
SELECT count(*) AS waiting, COALESCE(sum(octet_length(content) + octet_length(metadata)), 0) AS bytes, min(id) AS oldestId
FROM session_journal`;

function backlogText(waiting: number, bytes: number, oldestId: string | null): string {
  const age =
    oldestId === null
      ? ""
      : `, the oldest for ${Math.max(0, (Date.now() - atomIdTimeMs(oldestId)) / 1_000).toFixed(0)} s`;
  return `${waiting} atoms (${Math.ceil(bytes / 1_024)} KiB) wait in the local journal${age}`;
}

function examineDatabase(database: Database.Database, path: string): Finding[] {
  const check = String(database.pragma("quick_check(1)", { simple: true }));
  return [
    check === "ok"
      ? ok(path, "reachable", "can be read, and is sound")
      : problem(
          path,
          "damaged",
          "SQLite finds it damaged",
          "restore a copy, or save what can be read with rivet-memory export",
        ),
    examineTables(database, path),
  ];
}

function examineTables(database: Database.Database, path: string): Finding {
  const tables = database
    .prepare("SELECT count(*) FROM sqlite_master WHERE name IN ('session_memories', 'session_heads')")
    .pluck()
    .get();
  const version = Number(database.pragma("user_version", { simple: true }));
  if (tables === 2 && version > SCHEMA_VERSION) {
    return problem(path, "schema", `has tables of version ${version}, and this one knows ${SCHEMA_VERSION}`, UPGRADE);
  }
  if (tables === 2 && version > 0) return ok(path, "schema", `has its tables (version ${version})`);
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_master LIMIT 1").get() === undefined;
  return isEmpty
    ? warning(path, "schema", "holds no memory", "check the path; the first storage that opens it makes the tables")
    : problem(path, "schema", "is a database of another application", "check the path: no storage opens it");
}

/**
 * The index of heads has no order of ids over all users: it is read once, and the rows of what is found by their key.
 */
const IDS_AHEAD = `
SELECT session_id AS sessionId, last_atom_id AS lastAtomId, (
  SELECT count(*) FROM (
    SELECT 1 FROM session_memories WHERE session_id = heads.session_id AND id > $afterId LIMIT $atomsOfSession)
  ) AS atoms
FROM (
  SELECT session_id, last_atom_id FROM session_heads WHERE last_atom_id > $afterId
  ORDER BY last_atom_id DESC LIMIT $sessions) AS heads
ORDER BY last_atom_id DESC`;

function examineIds(database: Database.Database, path: string, nowMs: number): Finding {
  const values = { afterId: lastIdWithinLead(nowMs), ...SQL_LIMITS };
  return idsFinding(path, database.prepare<[typeof values], SessionAhead>(IDS_AHEAD).all(values), SQL_LIMITS);
}

async function examineRoom(path: string, folder: string): Promise<Finding[]> {
  const target = existsSync(path) ? path : folder;
  const isWritable = await access(target, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(folder);
  const size = existsSync(path) ? `${((await stat(path)).size / 1e6).toFixed(1)} MB, ` : "";
  const free = `${size}${Math.round((bavail * bsize) / 1e6)} MB free on its disk`;
  return [
    isWritable
      ? ok(path, "writable", "takes saves")
      : problem(path, "read-only", "may not be written by this user", "check its rights and those of its folder"),
    bavail * bsize > LITTLE_ROOM_BYTES
      ? ok(path, "room", free)
      : warning(path, "room", free, "make room, or prune: rivet-memory prune"),
  ];
}
