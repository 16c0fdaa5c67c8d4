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
   * The connections. Several storages may share a manager, so the code that made it must close it. Default: the storage
   * makes its own from `connectionString`, or else from the environment; see `DatabaseManager.fromEnv`.
   */
  db?: DatabaseManager;
  /** `postgres://user:password@host:port/database`, instead of `db`. */
  connectionString?: string;
  /**
   * The local journal, which accepts saves while no provider does and later delivers them to all providers: the path of
   * a file (needs `@rivet/memory-sqlite`), a `SQLiteStorage` that the caller closes, or false for no journal. Default:
   * the manager's `journal`; see `DatabaseManager.fromEnv`.
   */
  local?: string | JournalStorage | false;
  /**
   * Whether the journal's file is also a replica of the providers' data, which serves every read while no provider
   * answers. It contains this storage's saves at once and the saves of others after at most `localReplicaIntervalMs`;
   * `session.completeness` then states that more may be elsewhere. Each refresh costs as much as a comparison of two
   * providers, which grows with the number of sessions. Default: false.
   */
  localReplica?: boolean;
  /** The interval at which the local replica looks for the writes of others, in milliseconds. Default: 60,000. */
  localReplicaIntervalMs?: number;
  /**
   * Whether `open()` creates or upgrades the tables. If false, it only checks them; its error then states what to run.
   * Default: true.
   */
  migrate?: boolean;
  /**
   * Whether each statement touches only one session, so that saves of different sessions do not share a statement. This
   * is a step towards engines that distribute tables by session id, but not enough: on Citus 13.2 a plain save fails.
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
    throw invalid("options.connectionString", "cannot be combined with options.db; set only one of them");
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
    throw invalid("options.localReplicaIntervalMs", "must be a number of milliseconds of at least 1");
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
