/** The part of a storage that the console uses, and the additional features of some storages. */
import type { MemoryStorage } from "@rivet/memory-core";

/** Any `MemoryStorage`, whatever its typed atoms. */
export type ConsoleStorage = Pick<
  MemoryStorage,
  "listSessions" | "loadSession" | "deleteSession" | "deleteUser" | "reader"
> & {
  queryMemoryAtoms(query: AtomRange): ReturnType<MemoryStorage["queryMemoryAtoms"]>;
};

interface AtomRange {
  sessionId: string;
  limit: number;
  before?: string;
  after?: string;
}

/** The statistics of one provider, as `@rivet/db-manager` gives them. */
interface ProviderStatistics {
  readonly state: string;
  readonly since: Date;
  readonly host: string;
  readonly latencyMs: { readonly p50: number | undefined; readonly p99: number | undefined };
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number; readonly max: number };
  readonly hedges: number;
  readonly failovers: number;
  readonly lastError: { readonly at: Date; readonly code: string; readonly message: string } | undefined;
}

interface StateChange {
  readonly provider: string;
  readonly from: string;
  readonly to: string;
  readonly error: Error | undefined;
}

interface ProviderChange {
  readonly from: string;
  readonly to: string;
  readonly error: Error | undefined;
}

export interface ProviderEvents {
  stateChange: [change: StateChange];
  failover: [change: ProviderChange];
  failback: [change: ProviderChange];
  error: [error: Error & { readonly provider?: string | undefined }];
}

/** A `DatabaseManager`. */
export interface ProviderManager {
  readonly provider: string;
  readonly preferred: string;
  getProviderStats(): Record<string, ProviderStatistics>;
  on<Name extends keyof ProviderEvents>(name: Name, listener: (...event: ProviderEvents[Name]) => void): unknown;
  off<Name extends keyof ProviderEvents>(name: Name, listener: (...event: ProviderEvents[Name]) => void): unknown;
}

interface ReplicationPair {
  readonly from: string;
  readonly to: string;
  readonly hints: number;
  readonly oldestHintAgeMs: number | undefined;
  readonly lastDrainAt: Date | undefined;
  readonly lastRepairAt: Date | undefined;
  readonly needsRepair: boolean;
  readonly deadLetters: number;
}

interface JournalStatus {
  readonly to: string;
  readonly atoms: number;
  readonly bytes: number;
  readonly oldestAtomAgeMs: number | undefined;
}

export interface ReplicationStatus {
  readonly pairs: readonly ReplicationPair[];
  readonly unreachable: readonly string[];
  readonly journal?: readonly JournalStatus[];
}

interface RepairReport {
  readonly compared: number;
  readonly copied: number;
  readonly removed: number;
  readonly skipped: readonly string[];
}

interface WithProviders {
  readonly db: ProviderManager;
}

interface WithReplication {
  getReplicationStatus(): Promise<ReplicationStatus>;
  repair(): Promise<RepairReport>;
}

interface WithPlaces {
  locateAtoms(
    sessionId: string,
    ids: readonly string[],
  ): Promise<{
    readonly heldBy: Readonly<Record<string, readonly string[]>>;
    readonly unreachable: readonly string[];
  }>;
}

/** The function that locates atoms, if the storage has providers. */
export function locatorOf(storage: object): WithPlaces | undefined {
  return isLocator(storage) ? storage : undefined;
}

function isLocator(storage: object): storage is WithPlaces {
  return "locateAtoms" in storage && typeof storage.locateAtoms === "function";
}

/** The providers behind a storage, where there are any. */
export function providersOf(storage: object): ProviderManager | undefined {
  return hasProviders(storage) ? storage.db : undefined;
}

function hasProviders(storage: object): storage is WithProviders {
  return "db" in storage && typeof storage.db === "object" && storage.db !== null && "getProviderStats" in storage.db;
}

/** The replication of a storage, if it has several stores. */
export function replicationOf(storage: object): WithReplication | undefined {
  return isReplicated(storage) ? storage : undefined;
}

function isReplicated(storage: object): storage is WithReplication {
  return "getReplicationStatus" in storage && "repair" in storage;
}
