import { DatabaseManager } from "@rivet/db-manager";
import { AtomClock } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import type { Agent, AgentContext, ChaosWriter } from "./agent.ts";
import type { EventLog } from "./events.ts";
import { managerOptions } from "./providers.ts";
import { RivetAgent } from "./rivet-agent.ts";
import { RivetReader } from "./rivet-reader.ts";
import type { HandedSession, WriterSettings } from "./writer-settings.ts";

/** The delay before the next lookup of a session that no reachable provider had. */
const LOOK_AGAIN_MS = 500;
/** A session whose last message nobody shows by then is left alone. */
const GIVE_UP_MS = 10_000;

interface Waiting {
  readonly session: HandedSession;
  readonly untilMs: number;
  notBeforeMs: number;
}

/** A writer with Rivet Memory: one storage, with a clock that is wrong. */
export class RivetWriter implements ChaosWriter {
  readonly #db: DatabaseManager;
  readonly #context: AgentContext;
  readonly #untilMs = new Map<string, number>();
  #waiting: Waiting[] = [];
  #skewMs: number;

  private constructor(settings: WriterSettings, log: EventLog, hand: (session: HandedSession) => void) {
    const { providers, journalPath, number, life, skewMs } = settings;
    this.#skewMs = skewMs;
    this.#db = new DatabaseManager({ ...managerOptions(providers), journalPath });
    this.#db.on("stateChange", ({ provider: name, to: state, error }) => {
      const reason = error === undefined ? {} : { reason: error.message };
      log.add({ event: "provider", atMs: Date.now(), name, state, ...reason });
    });
    const clock = new AtomClock({ now: () => Date.now() + this.#skewMs });
    let tokens = 0;
    this.#context = {
      storage: new PostgresMemoryStorage({ db: this.#db, clock }),
      log,
      newToken: () => `w${number}.${life}.${++tokens}`,
      hand,
      takeOver: () => this.#takeOver(),
      putBack: (session) => this.#wait(session, LOOK_AGAIN_MS),
    };
  }

  static async open(
    settings: WriterSettings,
    log: EventLog,
    hand: (session: HandedSession) => void,
  ): Promise<RivetWriter> {
    const writer = new RivetWriter(settings, log, hand);
    await writer.#context.storage.open();
    return writer;
  }

  agent(random: () => number): Agent {
    return new RivetAgent(this.#context, random);
  }

  reader(random: () => number): Agent {
    return new RivetReader(this.#context, random);
  }

  take(session: HandedSession): void {
    this.#wait(session, 0);
  }

  skew(skewMs: number): void {
    this.#skewMs = skewMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.storage.close();
    await this.#db.close();
  }

  #wait(session: HandedSession, delayMs: number): void {
    const nowMs = performance.now();
    const untilMs = this.#untilMs.get(session.sessionId) ?? nowMs + GIVE_UP_MS;
    this.#untilMs.set(session.sessionId, untilMs);
    this.#waiting.push({ session, untilMs, notBeforeMs: nowMs + delayMs });
  }

  #takeOver(): HandedSession | undefined {
    const nowMs = performance.now();
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    const index = this.#waiting.findIndex(({ notBeforeMs }) => notBeforeMs <= nowMs);
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0]?.session;
  }
}
