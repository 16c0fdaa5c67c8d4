import { MemoryError, Session, type MemoryStorage } from "@rivet/memory-core";
import type { GatewayFault } from "@rivet/local-servers";
import { afterEach, describe, expect, it } from "vitest";
import { Requests, type Timing } from "../src/requests/requests.ts";
import { makeClient } from "../src/requests/rpc-client.ts";
import { sharedProject, storageForTest } from "./project.ts";

const project = sharedProject();
const HTML = "<!DOCTYPE html><title>Bad gateway</title>";

async function errorOf(work: Promise<unknown>): Promise<MemoryError> {
  const error: unknown = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (!MemoryError.isInstance(error)) throw error;
  return error;
}

function newSession(options: { timeoutMs?: number; deadlineMs?: number } = {}): Session {
  return sessionIn(storageForTest({ url: project().url, key: project().keys.secret, ...options }));
}

function sessionIn(storage: MemoryStorage): Session {
  const session = new Session({ userId: "ada", storage });
  session.addUserMessage("first");
  session.addAssistantMessage("second");
  return session;
}

async function storedMessages({ sessionId }: Session): Promise<number> {
  const statement = "SELECT FROM rivet_public.session_memories WHERE session_id = $1 AND memory_type LIKE 'message%'";
  return (await project().server.query(statement, [sessionId])).length;
}

/** Requests that wait for nothing, and what they would have waited. */
function impatient(settings: { timeoutMs?: number; deadlineMs?: number } = {}): {
  requests: Requests;
  waits: number[];
} {
  const waits: number[] = [];
  let nowMs = 0;
  const timing: Timing = {
    nowMs: () => nowMs,
    random: () => 0.5,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  };
  const client = makeClient(project().url, project().keys.secret);
  return {
    requests: new Requests(
      { client, timeoutMs: 5_000, deadlineMs: 30_000, slowestBytesPerSecond: 1_000_000, ...settings },
      timing,
    ),
    waits,
  };
}

const READ = [
  "rivet_select_tombstones",
  { given_session_id: null, after_session_id: null, after_id: null, after_owner: null, row_limit: 1 },
] as const;
const answer = (status: number, headers: Record<string, string> = {}): GatewayFault => ({
  kind: "answer",
  status,
  headers,
  body: HTML,
});

afterEach(() => project().gateway.heal());

describe("a fault that passes", () => {
  it.each<[string, GatewayFault]>([
    ["408", answer(408)],
    ["425", answer(425)],
    ["429", answer(429)],
    ["500", answer(500)],
    ["502", answer(502)],
    ["503", answer(503)],
    ["504", answer(504)],
    ["HTML where JSON should be", answer(200)],
    ["an empty answer", { kind: "answer", status: 204 }],
    ["a reset", { kind: "reset" }],
    ["an answer that is lost after the commit", { kind: "lose-answer" }],
  ])("%s, three times, is not noticed, and nothing is written twice", async (_, fault) => {
    const session = newSession();
    project().gateway.inject(fault, fault, fault);
    await session.save();
    expect(project().gateway.faultsLeft).toBe(0);
    expect(await storedMessages(session)).toBe(2);
    expect((await session.save()).written).toBe(0);

    session.addUserMessage("third");
    project().gateway.inject(fault);
    await session.save();
    expect(project().gateway.faultsLeft).toBe(0);
    expect(await storedMessages(session)).toBe(3);
    session.addUserMessage("fourth");
    await session.save({ ifUnchanged: true });
    expect(await storedMessages(session)).toBe(4);
  });

  it("of saves that share a request is not noticed, and nothing is written twice", async () => {
    const storage = storageForTest({ url: project().url, key: project().keys.secret });
    const sessions = Array.from({ length: 3 }, () => sessionIn(storage));
    project().gateway.inject({ kind: "lose-answer" });
    await Promise.all(sessions.map((session) => session.save()));
    expect(project().gateway.faultsLeft).toBe(0);
    expect(await Promise.all(sessions.map(storedMessages))).toEqual([2, 2, 2]);
  });

  it("of saves that share a request leaves open what became of one that is refused then", async () => {
    const storage = storageForTest({ url: project().url, key: project().keys.secret });
    const sessions = Array.from({ length: 2 }, () => sessionIn(storage));
    await Promise.all(sessions.map((session) => session.save()));
    const [kept, deleted] = sessions;
    for (const session of sessions) session.addUserMessage("third");
    await storage.deleteSession(deleted?.sessionId ?? "");
    project().gateway.inject({ kind: "lose-answer" });
    const [first, second] = await Promise.allSettled(sessions.map((session) => session.save()));
    expect(first).toMatchObject({ status: "fulfilled", value: { written: 1 } });
    expect(second).toMatchObject({ reason: { code: "not_found", outcome: "unknown" } });
    expect(kept && (await storedMessages(kept))).toBe(3);
  });

  it("of a save whose atoms somebody deletes in the meantime brings none of them back", async () => {
    const session = newSession();
    await session.save();
    session.addUserMessage("third");
    project().gateway.inject({ kind: "lose-answer" }, answer(400));
    expect(await errorOf(session.save())).toMatchObject({ outcome: "unknown" });
    const third = session.history.messages().at(-1)?.id ?? "";
    const other = storageForTest({ url: project().url, key: project().keys.secret });
    expect(await other.deleteMemoryAtoms(session.sessionId, [third])).toBe(1);
    expect(await session.save()).toMatchObject({ written: 0 });
    expect(await storedMessages(session)).toBe(2);
  });

  it("of a save whose ids have other content by now is a conflict", async () => {
    const session = newSession();
    await session.save();
    session.addUserMessage("third");
    const twin = session.toJSON();
    await session.save();
    const text = JSON.stringify(twin).replaceAll("third", "other");
    const storage = storageForTest({ url: project().url, key: project().keys.secret });
    const error = await errorOf(Session.fromJSON(JSON.parse(text), storage).save());
    expect(error.code).toBe("conflict");
  });

  it("of a save under ifUnchanged is not taken for another writer", async () => {
    const session = newSession();
    await session.save();
    session.addUserMessage("third");
    session.clearHistory();
    session.addUserMessage("fourth");
    project().gateway.inject({ kind: "lose-answer" });
    await session.save({ ifUnchanged: true });
    session.addUserMessage("fifth");
    await session.save({ ifUnchanged: true });
    expect(await storedMessages(session)).toBe(2);
  });

  it("is met with growing delays, and with what the server asked for", async () => {
    const { requests, waits } = impatient();
    project().gateway.inject(answer(503), answer(502), answer(429, { "retry-after": "7" }), { kind: "reset" });
    await requests.call(...READ);
    expect(waits).toEqual([50, 100, 7_200, 400]);
  });

  it("is PostgREST's restart in mid-run", async () => {
    const storage = storageForTest({ url: project().url, key: project().keys.secret });
    const saves: Promise<unknown>[] = [];
    let isRestarted = false;
    const sessions: Session[] = [];
    const restarting = project()
      .postgrest.stop()
      .then(() => project().postgrest.start())
      .then(() => (isRestarted = true));
    while (!isRestarted) {
      const session = new Session({ userId: "ada", storage });
      session.addUserMessage("during the restart");
      sessions.push(session);
      saves.push(session.save());
      await Promise.race([...saves.slice(-1), restarting]);
    }
    await Promise.all(saves);
    for (const session of sessions) expect(await storedMessages(session)).toBe(1);
  });
});

describe("a fault that stays", () => {
  it("ends with the error after six attempts, and leaves the save to be repeated", async () => {
    const { requests, waits } = impatient();
    const faults = Array.from({ length: 6 }, () => answer(503));
    project().gateway.inject(...faults);
    const error = await errorOf(requests.call(...READ));
    expect(error).toMatchObject({ code: "unavailable", retryable: true, outcome: "not_applied" });
    expect(waits).toEqual([50, 100, 200, 400, 800]);
    expect(error.message).not.toContain("html");
  });

  it("ends at the deadline", async () => {
    const { requests, waits } = impatient({ deadlineMs: 10_000 });
    project().gateway.inject(answer(429, { "retry-after": "9" }), answer(429, { "retry-after": "9" }));
    expect(await errorOf(requests.call(...READ))).toMatchObject({ code: "unavailable" });
    expect(waits).toEqual([9_050]);
  });

  it("is of unknown outcome when any attempt was", async () => {
    const { requests } = impatient();
    project().gateway.inject({ kind: "lose-answer" }, ...Array.from({ length: 5 }, () => answer(503)));
    expect(await errorOf(requests.call(...READ))).toMatchObject({ code: "unavailable", outcome: "unknown" });
  });

  it("of silence is a timeout at the deadline, and the same save succeeds later", async () => {
    const session = newSession({ timeoutMs: 50, deadlineMs: 60 });
    project().gateway.inject({ kind: "silence" }, { kind: "silence" });
    const error = await errorOf(session.save());
    expect(error).toMatchObject({ code: "timeout", retryable: true, outcome: "unknown", operation: "saveSession" });
    const { unsavedCount } = session;
    expect(unsavedCount).toBeGreaterThanOrEqual(2);
    project().gateway.heal();
    const patient = storageForTest({ url: project().url, key: project().keys.secret });
    expect((await Session.fromJSON(session.toJSON(), patient).save()).written).toBe(unsavedCount);
  });

  it("is not repeated when a repetition would not help", async () => {
    const before = project().gateway.requests.length;
    const { requests, waits } = impatient();
    expect(await errorOf(requests.call("rivet_nothing", {}))).toMatchObject({ code: "schema" });
    expect(waits).toEqual([]);
    expect(project().gateway.requests.length).toBe(before + 1);
  });
});

describe("a project that does not come back by itself", () => {
  it.each<[number, Record<string, string>, string]>([
    [540, {}, "is paused"],
    [402, {}, "quota"],
    [301, { location: "https://example.invalid/rest/v1/" }, "begins with http://"],
    [308, { location: "https://example.invalid/rest/v1/" }, "begins with http://"],
  ])("and answers %i is asked once, and the error says what to do", async (status, headers, advice) => {
    const session = newSession();
    await session.save();
    session.addUserMessage("third");
    const before = project().gateway.requests.length;
    project().gateway.inject(answer(status, headers));
    const error = await errorOf(session.save());
    expect(error).toMatchObject({ code: "unavailable", retryable: false, outcome: "not_applied" });
    expect(error.message).toContain(advice);
    expect(project().gateway.requests.length - before).toBe(1);
    expect((await session.save()).written).toBe(1);
  });
});
