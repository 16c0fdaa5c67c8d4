import { randomInt } from "node:crypto";
import { atLength, runScript, sharedServer, until, type ScriptRun } from "@rivet/local-servers";
import { Session, verify, type SessionData } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll }, { settings: { max_connections: "500" } });
const SCRIPT = new URL("processes/mortal.ts", import.meta.url);

/** The rows of a session in a provider. */
interface Shown {
  readonly texts: readonly unknown[];
  readonly facts: readonly unknown[];
}

const UNCHANGED: Shown = { texts: ["one", "two"], facts: ["kept", "in question"] };
const CHANGES: Readonly<Record<string, Shown>> = {
  append: { texts: ["one", "two", "three", "four"], facts: UNCHANGED.facts },
  clear: { texts: ["three"], facts: UNCHANGED.facts },
  "delete an atom": { texts: UNCHANGED.texts, facts: ["kept"] },
  "delete a session": { texts: [], facts: [] },
  "delete a user": { texts: [], facts: [] },
};

interface Target {
  readonly sessionId: string;
  readonly factId: string;
}

interface Statement {
  readonly key: string;
  readonly text: string;
}

/** The output of a process until its end. */
interface Said {
  readonly statements: readonly Statement[];
  readonly session: SessionData | undefined;
  readonly isAcknowledged: boolean;
  /** Whether it killed itself. */
  readonly isReached: boolean;
}

/** Points are shared out to so many sets of providers: most of the time is spent waiting for a lease to run out. */
const LANES = atLength({ usually: 1, long: 3 });
/** All points take minutes, so that a run takes some of them. */
const EVERY = atLength({ usually: 60, long: 1 });
const FIRST = randomInt(EVERY);
console.log(`crash points: every ${EVERY}th, from number ${FIRST} on`);

describe("a process that is killed before and after each statement of a change and of its replication", () => {
  it.for(Object.keys(CHANGES))(
    "leaves nothing lost, doubled or resurrected: %s",
    { timeout: 900_000 },
    async (change) => {
      const lanes = await Promise.all(Array.from({ length: LANES }, () => startCrash(change)));
      // On a busy machine a run may hedge, and its statements are not those of the next: the one with the fewest did
      // not.
      const runs = await Promise.all(lanes.map((crash) => crash.run(undefined)));
      const [all = []] = runs
        .map(({ statements }) => pointsOf(statements))
        .toSorted((one, other) => one.length - other.length);
      // At least one, also of those that have few.
      const every = Math.min(EVERY, all.length);
      const points = [...all.keys()].filter((index) => index % every === FIRST % every);
      const said = await Promise.all(
        lanes.map(async (crash, lane) => {
          const reached: boolean[] = [];
          const share = points.filter((_, index) => index % LANES === lane);
          for (const point of share) reached.push(await reachNear(crash, all, point));
          return reached;
        }),
      );
      const reached = said.flat().filter(Boolean).length;
      console.log(`${change}: killed at ${reached} of ${points.length} points, of ${all.length} that there are`);
      expect(reached).toBeGreaterThan(points.length / 2);
    },
  );
});

/**
 * A page that carries more, or another process that is first, can make a statement needless: then the next one is the
 * point.
 */
async function reachNear(crash: Crash, all: readonly Point[], first: number): Promise<boolean> {
  for (let attempt = 0; attempt < all.length; attempt++) {
    const point = all[(first + attempt) % all.length];
    if ((await crash.run(point)).isReached) return true;
  }
  return false;
}

async function startCrash(change: string): Promise<Crash> {
  return new Crash(await ThreeProviders.start(server()), change);
}

interface Point {
  readonly moment: "before" | "after";
  readonly key: string;
}

/**
 * Before and after each statement that writes, at each provider, the first time. Between two of those nothing changes:
 * to be killed at what only reads is to be killed after the one before it, and took as long again.
 */
function pointsOf(statements: readonly Statement[]): Point[] {
  const writing = statements.filter(({ text }) => !/^(SELECT|BEGIN)/.test(text));
  const keys = new Set(writing.map(({ key }) => key));
  return [...keys].flatMap((key): Point[] => [
    { moment: "before", key },
    { moment: "after", key },
  ]);
}

/** One change, again and again, each time to another session. */
class Crash {
  readonly #providers: ThreeProviders;
  readonly #change: string;
  readonly #changed: Shown;

  constructor(providers: ThreeProviders, change: string) {
    this.#providers = providers;
    this.#change = change;
    this.#changed = CHANGES[change] ?? UNCHANGED;
  }

  /** The process is killed at the point, or else when there is nothing left to do. */
  async run(point: Point | undefined): Promise<Said> {
    const target = await this.#prepare();
    const dying = point === undefined ? [] : [point.moment, point.key];
    const script = runScript(SCRIPT, [this.#change, target.sessionId, target.factId, ...dying], {
      environment: this.#environment(),
    });
    const isOver = new AbortController();
    const watching = this.#changedEverywhere(target, isOver.signal).then(() => script.child.kill("SIGKILL"));
    const said = await listen(script);
    isOver.abort();
    const isReached = !(await watching.catch(() => false));
    await this.#recover(target, said);
    return { ...said, isReached };
  }

  /** A session that all providers have. */
  async #prepare(): Promise<Target> {
    const storage = await this.#providers.storage();
    const session = new Session({ userId: "ada", storage });
    session.addUserMessage("one");
    session.addAssistantMessage("two");
    await session.save();
    const { sessionId } = session;
    const fact = { sessionId, userId: "ada", memoryType: "fact" };
    const [, inQuestion] = await storage.saveMemoryAtoms([
      { ...fact, content: "kept" },
      { ...fact, content: "in question" },
    ]);
    await this.#equal(storage);
    await storage.close();
    await storage.db.close();
    return { sessionId, factId: inQuestion?.id ?? "" };
  }

  /** Another process opens the storage, and then repeats what was asked of the one that died. */
  async #recover(target: Target, { session, isAcknowledged }: Omit<Said, "isReached">): Promise<void> {
    const storage = await this.#providers.storage();
    await this.#equal(storage);
    const shown = await this.#shown(target);
    expect(isAcknowledged ? [this.#changed] : [UNCHANGED, this.#changed]).toContainEqual(shown);
    await this.#repeat(storage, target, session);
    await this.#equal(storage);
    expect(await this.#shown(target)).toEqual(this.#changed);
    await storage.close();
    await storage.db.close();
  }

  async #repeat(
    storage: PostgresMemoryStorage,
    { sessionId, factId }: Target,
    data: SessionData | undefined,
  ): Promise<void> {
    if (data !== undefined) await Session.fromJSON(data, storage).save();
    else if (this.#change === "delete an atom") await storage.deleteMemoryAtoms(sessionId, [factId]);
    else if (this.#change === "delete a session") await storage.deleteSession(sessionId);
    else await storage.deleteUser("ada");
  }

  /** Reads the rows of a session in all providers. */
  async #shown({ sessionId }: Target): Promise<Shown> {
    const shown = await Promise.all(
      NAMES.map(async (name): Promise<Shown> => {
        const storage = this.#providers.at(name);
        const session = await storage.loadSession(sessionId);
        const facts = await storage.queryMemoryAtoms({ sessionId, memoryType: "fact" });
        return {
          texts: session?.getRecentMessages(100).map(({ content }) => content) ?? [],
          facts: facts.map(({ content }) => content).toReversed(),
        };
      }),
    );
    const [first = UNCHANGED, ...others] = shown;
    for (const other of others) expect(other).toEqual(first);
    return first;
  }

  async #changedEverywhere(target: Target, isOver: AbortSignal): Promise<void> {
    await until(
      async () => {
        if (isOver.aborted) return;
        expect(await this.#shown(target)).toEqual(this.#changed);
        expect(await this.#hints()).toBe(0);
      },
      { intervalMs: 200 },
    );
    isOver.throwIfAborted();
  }

  async #equal(storage: PostgresMemoryStorage): Promise<void> {
    await storage.open();
    await until(async () => expect(await this.#hints()).toBe(0), { intervalMs: 200 });
    for (const name of NAMES.slice(1)) {
      for await (const difference of verify(this.#providers.at("neon"), this.#providers.at(name))) {
        throw new Error(`${name} differs from neon: ${JSON.stringify(difference)}`);
      }
    }
  }

  /** At all providers. */
  async #hints(): Promise<number> {
    const counts = await Promise.all(
      NAMES.map((name) => server().query("SELECT FROM replication_hints", [], this.#providers.database(name))),
    );
    return counts.reduce((sum, rows) => sum + rows.length, 0);
  }

  #environment(): Record<string, string> {
    const urls = NAMES.map(
      (name, index) => [`${name.toUpperCase()}_DB_URL`, this.#providers.urls[index] ?? ""] as const,
    );
    return { DATABASE_FAILOVER_ORDER: NAMES.join(), ...Object.fromEntries(urls) };
  }
}

async function listen(script: ScriptRun): Promise<Omit<Said, "isReached">> {
  const statements: Statement[] = [];
  let session: SessionData | undefined;
  let isAcknowledged = false;
  for await (const line of script.lines) {
    const [kind, provider = "", name = ""] = line.split(" ");
    if (kind === "statement") statements.push({ key: `${provider} ${name}`, text: line.split(" ").slice(3).join(" ") });
    else if (kind === "session") session = JSON.parse(line.slice("session ".length));
    else isAcknowledged = true;
  }
  const { exit, errors } = await script.ended;
  if (exit !== "SIGKILL") throw new Error(`the process ended with ${exit}: ${errors}`);
  return { statements, session, isAcknowledged };
}
