import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import type { EventLog } from "./events.ts";
import type { HandedSession } from "./writer-settings.ts";

/** One who works on one session at a time. */
export interface Agent {
  /** Never rejects for what a provider or a deletion may do. */
  step(): Promise<void>;
}

export interface ChaosWriter extends AsyncDisposable {
  agent(random: () => number): Agent;
  /** One who reads what others have written, and deletes some of it, where there is one. */
  reader?(random: () => number): Agent;
  take(session: HandedSession): void;
  skew(skewMs: number): void;
}

/** The parts of a writer that its agents share. */
export interface AgentContext {
  readonly storage: PostgresMemoryStorage;
  readonly log: EventLog;
  readonly newToken: () => string;
  readonly hand: (session: HandedSession) => void;
  /** A session that another writer handed over, if one waits. */
  readonly takeOver: () => HandedSession | undefined;
  /** Where a session goes that lacks what was acknowledged. */
  readonly putBack: (session: HandedSession) => void;
}
