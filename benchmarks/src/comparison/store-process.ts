/** The process of one store: it does what it is told, times it, and knows nothing of the others. */
import type { Answer, Command, OpenStore, Store, StoredSession } from "./store.ts";

const [modulePath = ""] = process.argv.slice(2);
// Otherwise some ask the network for lists of models, or print what they do.
process.env["NODE_ENV"] = "production";
for (const method of ["log", "info", "debug"] as const) console[method] = () => {};

const sessions = new Map<string, StoredSession>();
let store: Store | undefined;

process.on("message", (command: Command) => {
  void answer(command).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");

async function answer(command: Command): Promise<Answer> {
  try {
    if (command.name === "list" && store?.listSessions === undefined) {
      return { kind: "none", reason: "it lists no sessions of a user" };
    }
    return { kind: "times", timesMs: await perform(command) };
  } catch (error) {
    return { kind: "failure", message: error instanceof Error ? error.message : String(error) };
  }
}

async function perform(command: Command): Promise<number[]> {
  switch (command.name) {
    case "open": {
      const { openStore }: { openStore: OpenStore } = await import(modulePath);
      store = await openStore(command.place);
      return [];
    }
    case "fill":
      await (await sessionOf(command.sessionId)).fill(command.messages);
      return [];
    case "save": {
      const session = await sessionOf(command.sessionId);
      return timesOf(command.turns, () => session.saveTurn());
    }
    case "save at once": {
      const writers = await Promise.all(command.sessionIds.map(sessionOf));
      return timesOf(1, () => Promise.all(writers.map((session) => saveTurns(session, command.turns))));
    }
    case "load": {
      const session = await sessionOf(command.sessionId);
      return timesOf(command.times, async () => expectCount(await session.load(), command.messages));
    }
    case "load last": {
      const session = await sessionOf(command.sessionId);
      return timesOf(command.times, async () => {
        expectCount(await session.loadLast(command.messages), command.messages);
      });
    }
    case "list":
      return timesOf(command.times, async () => {
        expectCount((await store?.listSessions?.(command.sessions)) ?? 0, command.sessions);
      });
    case "close":
      await store?.close();
      return [];
  }
}

async function sessionOf(sessionId: string): Promise<StoredSession> {
  if (store === undefined) throw new Error("the store is not open");
  const session = sessions.get(sessionId) ?? (await store.openSession(sessionId));
  sessions.set(sessionId, session);
  return session;
}

async function saveTurns(session: StoredSession, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await session.saveTurn();
}

async function timesOf(count: number, operation: () => Promise<unknown>): Promise<number[]> {
  const timesMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const startMs = performance.now();
    await operation();
    timesMs.push(performance.now() - startMs);
  }
  return timesMs;
}

/** Refuses a contender that returns a wrong result. */
function expectCount(count: number, expected: number): void {
  if (count !== expected) throw new Error(`it gave ${count} where ${expected} were asked for`);
}
