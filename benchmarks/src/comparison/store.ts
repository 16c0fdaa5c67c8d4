/**
 * A memory under test, as its documentation says to use it. Modules of `stores/` and of `peers/src` export `openStore`.
 */

/** Where a store keeps its things: each has a database, a file or a project of its own. */
export interface Place {
  /** `postgres://…`, `sqlite:PATH`, `http://…` of a Supabase project, or `memory:`. */
  readonly url: string;
  /** The key of a Supabase project. */
  readonly key?: string;
}

export type OpenStore = (place: Place) => Promise<Store>;

export interface Store {
  /** A session that is not there yet, or, where it is, the handle that its writer holds. */
  openSession(sessionId: string): Promise<StoredSession>;
  /**
   * Lists the sessions of the user, most recent first, and gives how many it got; absent where a store has no such
   * list.
   */
  readonly listSessions?: (limit: number) => Promise<number>;
  close(): Promise<void>;
}

export interface StoredSession {
  /** Appends a question and an answer; resolves when the store says that they are kept. */
  saveTurn(): Promise<void>;
  /** Appends so many messages as fast as the store's interface lets one. */
  fill(messages: number): Promise<void>;
  /** Reads all messages, and gives how many it got. */
  load(): Promise<number>;
  /** Reads the newest messages, and gives how many it got. */
  loadLast(messages: number): Promise<number>;
}

/** The requests to the process of a store. */
export type Command =
  | { readonly name: "open"; readonly place: Place }
  | { readonly name: "fill"; readonly sessionId: string; readonly messages: number }
  | { readonly name: "save"; readonly sessionId: string; readonly turns: number }
  | { readonly name: "save at once"; readonly sessionIds: readonly string[]; readonly turns: number }
  | { readonly name: "load"; readonly sessionId: string; readonly messages: number; readonly times: number }
  | { readonly name: "load last"; readonly sessionId: string; readonly messages: number; readonly times: number }
  | { readonly name: "list"; readonly sessions: number; readonly times: number }
  | { readonly name: "close" };

/** The time of each operation in milliseconds, or the reason why it failed. */
export type Answer =
  | { readonly kind: "times"; readonly timesMs: readonly number[] }
  | { readonly kind: "none"; readonly reason: string }
  | { readonly kind: "failure"; readonly message: string };
