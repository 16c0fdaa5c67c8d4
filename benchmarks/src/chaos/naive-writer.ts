import { randomUUID } from "node:crypto";
import pg from "pg";
import { ANSWER, QUESTION, USER } from "../workload.ts";
import type { EventLog } from "./events.ts";
import type { Agent, ChaosWriter } from "./agent.ts";
import type { WriterSettings } from "./writer-settings.ts";

const TIMEOUT_MS = 500;
const TURNS_PER_SESSION = 30;
/** Rounds over all providers before a turn is given up. */
const ROUNDS = 5;

const INSERT = `
INSERT INTO session_memories (session_id, id, user_id, memory_type, content, metadata, created_at)
VALUES ($1, $2, $3, 'message_user', $4, '{}', now()), ($1, $5, $3, 'message_assistant', $6, '{}', now())`;

/** Failover as it is written by hand: what fails is tried again with the next provider, as a new row. */
export class NaiveWriter implements ChaosWriter {
  readonly #pools: ReadonlyMap<string, pg.Pool>;
  readonly #settings: WriterSettings;
  readonly #log: EventLog;
  #tokens = 0;

  constructor(settings: WriterSettings, log: EventLog) {
    this.#settings = settings;
    this.#log = log;
    this.#pools = new Map(settings.providers.map(({ name, connectionString }) => [name, poolOf(connectionString)]));
  }

  agent(): Agent {
    let [sessionId, turns] = ["", TURNS_PER_SESSION];
    return {
      step: () => {
        if (turns === TURNS_PER_SESSION) [sessionId, turns] = [`session_${randomUUID()}`, 0];
        turns += 1;
        return this.#saveTurn(sessionId);
      },
    };
  }

  /** It knows nothing of others. */
  take(): void {}
  skew(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }

  async #saveTurn(sessionId: string): Promise<void> {
    const tokens = [this.#newToken(), this.#newToken()];
    const nowMs = Date.now();
    const atoms = tokens.map((token) => ({ token }));
    this.#log.add({ event: "attempted", sessionId, atoms, clockMs: nowMs, atMs: nowMs });
    const [question, answer] = [`<${tokens[0]}> ${QUESTION}`, `<${tokens[1]}> ${ANSWER}`].map((text) =>
      JSON.stringify(text),
    );
    for (let round = 0; round < ROUNDS; round++) {
      for (const [provider, pool] of this.#pools) {
        try {
          await pool.query(INSERT, [sessionId, randomUUID(), USER, question, randomUUID(), answer]);
        } catch {
          continue;
        }
        this.#log.add({ event: "acknowledged", atMs: Date.now(), tokens, acceptedBy: [provider] });
        return;
      }
    }
    this.#log.add({ event: "failed", sessionId, operation: "insert", code: "unavailable", message: "no provider" });
  }

  #newToken(): string {
    this.#tokens += 1;
    return `w${this.#settings.number}.${this.#settings.life}.${this.#tokens}`;
  }
}

function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
  // Without a listener the first server that goes would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
