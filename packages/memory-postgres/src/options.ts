import type { DatabaseManager } from "@rivet/db-manager";
import {
  MEMORY_STORAGE_FIELDS,
  MemoryError,
  type AtomTypes,
  type MemoryStorageOptions,
  type OptionFields,
} from "@rivet/memory-core";
import { parseSchemaOptions, SCHEMA_FIELDS, type SchemaOptions } from "@rivet/postgres-schema";
import type { JournalStorage } from "./journal/local-journal.ts";
import {
  parseReplication,
  REPLICATION_FIELDS,
  type ReplicationOptions,
  type ReplicationSettings,
} from "./replication/settings.ts";

export interface PostgresMemoryStorageOptions<Types extends AtomTypes = {}>
  extends MemoryStorageOptions<Types>, SchemaOptions, ReplicationOptions {
  /**
   * The connections. Whoever made a manager closes it: several storages may share one. Default: one of the storage's own,
   * from `connectionString` or else from the environment; see `DatabaseManager.fromEnv`.
   */
  db?: DatabaseManager;
  /** `postgres://user:password@host:port/database`, instead of `db`. */
  connectionString?: string;
  /**
   * The local journal, which takes saves while no provider does and brings them to all of them later: the path of a file
   * (needs `@rivet/memory-sqlite`), a `SQLiteStorage` that whoever made it closes, or false for none. Default: what the
   * manager's `journal` says; see `DatabaseManager.fromEnv`.
   */
  local?: string | JournalStorage | false;
  /**
   * Whether the journal's file also keeps all that the providers hold, so that every read is served while none of them
   * answers. What this storage saves is in it at once, what others save after `localReplicaIntervalMs` at the latest, and
   * `session.completeness` says that more may be elsewhere. Each look costs as much as comparing two providers: it follows
   * the number of sessions. Default: false.
   */
  localReplica?: boolean;
  /** How often the local replica looks for what others have written, in milliseconds. Default: 60,000. */
  localReplicaIntervalMs?: number;
  /**
   * Whether `open()` creates the tables, or brings them up to date. With false it only checks them, and says what to run.
   * Default: true.
   */
  migrate?: boolean;
  /**
   * Whether no statement touches more than one session: saves of different sessions then do not share a statement. It is a
   * step towards engines that distribute tables by session id, and not enough: on Citus 13.2 a plain save fails.
   * Default: false.
   */
  oneSessionPerStatement?: boolean;
}

export const POSTGRES_STORAGE_FIELDS: OptionFields<PostgresMemoryStorageOptions<AtomTypes>> = {
  ...MEMORY_STORAGE_FIELDS,
  ...SCHEMA_FIELDS,
  ...REPLICATION_FIELDS,
  db: "setting",
  connectionString: "setting",
  local: "setting",
  localReplica: "setting",
  localReplicaIntervalMs: "setting",
  migrate: "setting",
  oneSessionPerStatement: "setting",
};

export interface Settings {
  readonly local: string | JournalStorage | false | undefined;
  readonly isLocalReplica: boolean;
  readonly localReplicaIntervalMs: number;
  readonly schema: string;
  readonly partitions: number | undefined;
  readonly isMigrating: boolean;
  readonly isOneSessionPerStatement: boolean;
  readonly replication: ReplicationSettings;
}

/** @throws {MemoryError} `invalid_input` with the path of the offending option. */
export function parseSettings(options: PostgresMemoryStorageOptions<AtomTypes>): Settings {
  const { db, connectionString, local, migrate = true, oneSessionPerStatement = false } = options;
  const { localReplica = false, localReplicaIntervalMs = 60_000 } = options;
  if (db !== undefined && connectionString !== undefined) {
    throw invalid("options.connectionString", "is given together with options.db; give one of them");
  }
  if (connectionString !== undefined && (typeof connectionString !== "string" || connectionString === "")) {
    throw invalid("options.connectionString", "must be an address such as postgres://user:password@host:5432/database");
  }
  if (typeof migrate !== "boolean") throw invalid("options.migrate", "must be true or false");
  if (typeof oneSessionPerStatement !== "boolean")
    throw invalid("options.oneSessionPerStatement", "must be true or false");
  if (local !== undefined && local !== false && !isJournal(local)) {
    throw invalid("options.local", "must be the path of a file, a SQLiteStorage, or false");
  }
  if (typeof localReplica !== "boolean") throw invalid("options.localReplica", "must be true or false");
  if (!Number.isSafeInteger(localReplicaIntervalMs) || localReplicaIntervalMs < 1)
    throw invalid("options.localReplicaIntervalMs", "must be milliseconds from 1");
  return {
    local,
    isLocalReplica: localReplica,
    localReplicaIntervalMs,
    ...parseSchemaOptions(options),
    isMigrating: migrate,
    isOneSessionPerStatement: oneSessionPerStatement,
    replication: parseReplication(options),
  };
}

function isJournal(local: unknown): boolean {
  if (typeof local === "string") return local !== "" && local !== ":memory:";
  return typeof local === "object" && local !== null && "journal" in local;
}

export function invalid(path: string, problem: string): MemoryError {
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path, backend: "postgres" });
}
