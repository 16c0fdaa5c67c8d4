/** The attempts of all writers and their results: a pure fold of their events. */
import { isFarAhead, type ClockReading } from "./clocks.ts";
import type { WriterEvent } from "./events.ts";

interface Attempt extends ClockReading {
  readonly sessionId: string;
  readonly id: string | undefined;
  /** The last message that its writer's session held before it, of those that its writer's clock follows. */
  readonly afterId: string | undefined;
  /** Whether the session held messages too that are too far ahead of its writer's clock to be followed. */
  readonly isAmongIdsAhead: boolean;
}

export interface Acknowledgement {
  readonly atMs: number;
  readonly atoms: number;
  readonly acceptedBy: readonly string[];
}

type Failure = Extract<WriterEvent, { event: "failed" }>;

/** Sessions by their ids, and atoms by their tokens. */
class Deletions {
  readonly sessions = new Set<string>();
  readonly tokens = new Set<string>();

  add({ sessionId, tokens }: { readonly sessionId: string; readonly tokens?: readonly string[] | undefined }): void {
    if (tokens === undefined) this.sessions.add(sessionId);
    else for (const token of tokens) this.tokens.add(token);
  }

  covers(sessionId: string, token: string): boolean {
    return this.sessions.has(sessionId) || this.tokens.has(token);
  }
}

export class History {
  /** By token. */
  readonly attempted = new Map<string, Attempt>();
  readonly acknowledgements: Acknowledgement[] = [];
  /** By token: who accepted it. */
  readonly acknowledged = new Map<string, Acknowledgement>();
  /** The attempted deletions. Their atoms may or may not exist, unless the deletion was acknowledged. */
  readonly deleting = new Deletions();
  /** The acknowledged deletions. */
  readonly deleted = new Deletions();
  readonly failures: Failure[] = [];
  /** Loads of a session that another writer knows, and how many lacked what had been acknowledged. */
  readonly reads = { all: 0, incomplete: 0 };
  /** Refreshed sessions, and the messages that they lacked of those who refreshed them. */
  readonly refreshes: { all: number; readonly missing: { readonly sessionId: string; readonly token: string }[] } = {
    all: 0,
    missing: [],
  };

  /** The number of acknowledged atoms from a clock that is far ahead, and of other atoms in sessions with such ids. */
  get idsAhead(): { readonly made: number; readonly met: number } {
    let [made, met] = [0, 0];
    for (const token of this.acknowledged.keys()) {
      const attempt = this.attempted.get(token);
      if (attempt === undefined) continue;
      if (isFarAhead(attempt)) made += 1;
      else if (attempt.isAmongIdsAhead) met += 1;
    }
    return { made, met };
  }

  addAll(events: Iterable<WriterEvent>): this {
    for (const event of events) this.#add(event);
    return this;
  }

  #add(event: WriterEvent): void {
    switch (event.event) {
      case "attempted": {
        const { sessionId, atoms, clockMs, atMs, beforeId } = event;
        const isAmongIdsAhead = beforeId !== undefined;
        let { afterId } = event;
        for (const { token, id } of atoms) {
          this.attempted.set(token, { sessionId, id, afterId, isAmongIdsAhead, clockMs, atMs });
          afterId = id ?? afterId;
        }
        return;
      }
      case "acknowledged": {
        const { atMs, tokens, acceptedBy } = event;
        const acknowledgement = { atMs, atoms: tokens.length, acceptedBy };
        this.acknowledgements.push(acknowledgement);
        for (const token of tokens) this.acknowledged.set(token, acknowledgement);
        return;
      }
      case "deleting":
        return this.deleting.add(event);
      case "deleted":
        return this.deleted.add(event);
      case "read":
        this.reads.all += 1;
        this.reads.incomplete += event.isComplete ? 0 : 1;
        return;
      case "refreshed":
        this.refreshes.all += 1;
        for (const token of event.missing) this.refreshes.missing.push({ sessionId: event.sessionId, token });
        return;
      case "failed":
        this.failures.push(event);
    }
  }
}
