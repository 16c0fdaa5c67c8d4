import { WatchedScript } from "../watched-script.ts";
import { readEvents, type WriterEvent } from "./events.ts";
import {
  AGENTS_PER_WRITER,
  handedSession,
  type HandedSession,
  type WriterCommand,
  type WriterSettings,
} from "./writer-settings.ts";

/** Far longer than a writer takes for one step, whatever the providers do and however busy the machine is. */
const STOP_LIMIT_MS = 180_000;

interface WriterInit {
  /** But what changes with each of its lives. */
  readonly settings: Omit<WriterSettings, "life" | "eventsPath">;
  readonly folder: string;
  /** Told of a session that another writer is to go on with. */
  readonly onHand: (session: HandedSession) => void;
}

/** A writer in a process of its own, and in another one after each kill, with the same journal. */
export class Writer {
  /** The lead of its clock at the start. */
  readonly skewMs: number;
  /** The reason for an unexpected end. */
  readonly problems: string[] = [];
  readonly #init: WriterInit;
  #life = 0;
  #script: WatchedScript | undefined;

  constructor(init: WriterInit) {
    this.#init = init;
    this.skewMs = init.settings.skewMs;
  }

  get number(): number {
    return this.#init.settings.number;
  }

  get journalPath(): string {
    return this.#init.settings.journalPath;
  }

  get isAlive(): boolean {
    return this.#script !== undefined;
  }

  /** Starts it, and waits until it writes; after a kill it goes on with the sessions that it had. */
  async start(): Promise<void> {
    const { settings, onHand } = this.#init;
    const eventsPath = this.#eventsPath(this.#life);
    const argument = JSON.stringify({ ...settings, life: this.#life, eventsPath });
    const script = new WatchedScript(new URL("writer-process.ts", import.meta.url), [argument], (line) => {
      if (line.startsWith("hand ")) onHand(handedSession.parse(JSON.parse(line.slice("hand ".length))));
    });
    this.#script = script;
    void script.ended.then(() => this.#notice(script));
    try {
      await script.until(/^ready$/);
    } catch {
      // Noticed above.
      return;
    }
    if (this.#life === 0) return;
    for (const session of lastSessions(readEvents(this.#eventsPath(this.#life - 1)))) this.take(session);
  }

  async kill(): Promise<void> {
    const script = this.#script;
    if (script === undefined) return;
    this.#script = undefined;
    this.#life += 1;
    script.kill("it was to be killed");
    await script.ended;
  }

  take(session: HandedSession): void {
    this.#tell({ command: "take", session });
  }

  skew(skewMs: number): void {
    this.#tell({ command: "skew", skewMs });
  }

  /** Lets it write no more, and stay. */
  async stop(): Promise<void> {
    const script = this.#script;
    if (script === undefined) return;
    const idle = script.until(/^idle$/);
    this.#tell({ command: "stop" });
    const timer = setTimeout(() => script.kill(`it did not stop within ${STOP_LIMIT_MS} ms`), STOP_LIMIT_MS);
    await idle.catch(() => undefined);
    clearTimeout(timer);
  }

  async end(): Promise<void> {
    const script = this.#script;
    if (script === undefined) return;
    this.#script = undefined;
    const timer = setTimeout(() => script.kill(`it did not end within ${STOP_LIMIT_MS} ms`), STOP_LIMIT_MS);
    await script.end().catch((error: unknown) => this.problems.push(`writer ${this.number}: ${String(error)}`));
    clearTimeout(timer);
  }

  /** Its attempts and their results, over all its lives. */
  *events(): Generator<WriterEvent> {
    for (let life = 0; life <= this.#life; life++) yield* readEvents(this.#eventsPath(life));
  }

  #eventsPath(life: number): string {
    return `${this.#init.folder}/writer-${this.number}-${life}.jsonl`;
  }

  #tell(command: WriterCommand): void {
    this.#script?.tell(JSON.stringify(command));
  }

  #notice(script: WatchedScript): void {
    if (this.#script !== script) return;
    this.#script = undefined;
    this.#life += 1;
    this.problems.push(`writer ${this.number}: ${script.failure?.message ?? "it ended by itself"}`);
  }
}

/** The state of a killed writer: its last sessions, each with the last acknowledged message. */
function lastSessions(events: readonly WriterEvent[]): HandedSession[] {
  const found = new Map<string, HandedSession>();
  const attempted = new Map<string, HandedSession>();
  const deleting = new Set<string>();
  for (const event of events) {
    if (event.event === "attempted") {
      const { sessionId, atoms } = event;
      for (const { token, id } of atoms) if (id !== undefined) attempted.set(token, { sessionId, throughId: id });
    } else if (event.event === "deleting") {
      for (const token of event.tokens ?? []) attempted.delete(token);
      if (event.tokens === undefined) deleting.add(event.sessionId);
    } else if (event.event === "acknowledged" && event.acceptedBy.length > 0) {
      // Atoms that are no messages are saved without a receipt.
      const session = event.tokens.map((token) => attempted.get(token)).findLast((message) => message !== undefined);
      if (session === undefined) continue;
      found.delete(session.sessionId);
      found.set(session.sessionId, session);
    }
  }
  return [...found.values()].filter(({ sessionId }) => !deleting.has(sessionId)).slice(-AGENTS_PER_WRITER);
}
