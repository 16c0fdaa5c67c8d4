/** The messages between the server and the page, as JSON. Times are ISO strings. */
import type { JsonObject, JsonValue } from "@rivet/memory-core";

/** The storage and the actions of the page. */
export interface Overview {
  /** The name of the storage, without a password. */
  readonly label: string;
  readonly isWritable: boolean;
  readonly hasProviders: boolean;
  readonly canRepair: boolean;
  /** The panel of the application, where it has one. */
  readonly panel?: { readonly title: string; readonly sessionKey?: string };
}

/** The number of sessions on the first page, and on pages that are requested without a size. */
export const FIRST_PAGE = 100;

export interface SessionEntry {
  /** The session's id in a form that any URL can hold: the id itself, but for characters that are no text. */
  readonly key: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly createdAt: string;
  readonly lastActive: string;
  readonly messageCount: number;
  /** The latest of its atoms: sessions are in the order of these. */
  readonly lastAtomId: string;
  readonly metadata: JsonObject;
  /** Why the metadata could not be read. */
  readonly unreadable?: string;
}

export interface SessionPage {
  readonly sessions: readonly SessionEntry[];
  /** The last atom of the first session: of all sessions' first page, what the live event `sessions` says then. */
  readonly newest?: string;
  /** The value of `before` for the next page; absent after the last page. */
  readonly next?: string;
}

/** The data that is embedded in the page. */
export interface Opening {
  readonly overview: Overview;
  /** The first sessions; absent where the storage could not say at once. */
  readonly sessions?: SessionPage;
}

export interface SessionDetail extends SessionEntry {
  readonly atomCount: number;
  /** Changes with any atom that comes or goes. */
  readonly version: string;
  /** Stores that could not be asked and may hold more of it. */
  readonly unreachable: readonly string[];
}

export interface AtomEntry {
  readonly id: string;
  readonly memoryType: string;
  readonly content: JsonValue;
  readonly metadata: JsonObject;
  readonly createdAt: string;
  /** Whether the content is longer than what is here; the whole of it is one request away. */
  readonly isCut: boolean;
  /** The addresses of the images among the parts of a message, by the part's position. */
  readonly images: Readonly<Record<number, string>>;
}

/** The providers that hold an atom, by name; empty for a storage with one store. */
export interface AtomPlaces {
  readonly heldBy: readonly string[];
  readonly lackedBy: readonly string[];
  /** Could not be asked. */
  readonly unreachable: readonly string[];
}

export interface UnreadableEntry {
  readonly id: string;
  readonly memoryType: string;
  readonly contentText: string;
  readonly reason: string;
}

export interface AtomPage {
  /** Oldest first. */
  readonly atoms: readonly AtomEntry[];
  readonly unreadable: readonly UnreadableEntry[];
  /** Whether the page is full, so that there may be more beyond it. */
  readonly hasMore: boolean;
}

export interface ContextView {
  readonly keptIds: readonly string[];
  readonly tokens: number;
}

export interface ProviderView {
  readonly name: string;
  readonly host: string;
  readonly state: string;
  readonly since: string;
  readonly isActive: boolean;
  readonly isPreferred: boolean;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly connections: {
    readonly total: number;
    readonly idle: number;
    readonly waiting: number;
    readonly max: number;
  };
  readonly hedges: number;
  readonly failovers: number;
  readonly lastError?: { readonly at: string; readonly code: string; readonly message: string };
  /** Median latencies in ms, one a second, the latest last; null where there was none. */
  readonly latencies: readonly (number | null)[];
  /** The states it has had, oldest first, since the console started. */
  readonly states: readonly StateSpan[];
}

export interface StateSpan {
  readonly state: string;
  readonly sinceMs: number;
}

export type ProviderEventKind = "stateChange" | "failover" | "failback" | "error";

export interface ProviderEventView {
  readonly atMs: number;
  readonly kind: ProviderEventKind;
  readonly provider: string;
  readonly text: string;
}

interface ReplicationPairView {
  readonly from: string;
  readonly to: string;
  readonly hints: number;
  readonly oldestHintAgeMs?: number;
  readonly lastDrainAt?: string;
  readonly lastRepairAt?: string;
  readonly needsRepair: boolean;
  readonly deadLetters: number;
}

interface JournalView {
  readonly to: string;
  readonly atoms: number;
  readonly bytes: number;
  readonly oldestAtomAgeMs?: number;
}

export interface ProvidersView {
  readonly nowMs: number;
  /** When the console began to watch. */
  readonly startedMs: number;
  readonly providers: readonly ProviderView[];
  /** The latest first. */
  readonly events: readonly ProviderEventView[];
  readonly pairs: readonly ReplicationPairView[];
  readonly unreachable: readonly string[];
  /** The backlog of the local journal for each provider; none where there is no journal. */
  readonly journal: readonly JournalView[];
  /** Why the replication could not be asked. */
  readonly replicationError?: string;
}

export type PanelTone = "neutral" | "good" | "warning" | "bad";

/** The content of an application's panel. */
export interface PanelState {
  readonly sections: readonly PanelSection[];
  /** A line of text that the visitor may send. */
  readonly prompt?: { readonly label: string; readonly placeholder?: string; readonly isDisabled?: boolean };
  readonly note?: string;
}

export interface PanelSection {
  readonly title: string;
  readonly status?: string;
  readonly tone?: PanelTone;
  readonly actions: readonly PanelAction[];
}

export interface PanelAction {
  readonly id: string;
  readonly label: string;
  readonly isDisabled?: boolean;
}

/** An action of the visitor: the choice of an action, or a line of text. */
export type PanelRequest =
  | { readonly type: "action"; readonly id: string }
  | { readonly type: "prompt"; readonly text: string };

export interface Failure {
  readonly error: { readonly code: string; readonly message: string };
}
