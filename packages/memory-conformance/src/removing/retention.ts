import assert from "node:assert/strict";
import type { PruneProgress, Session } from "@rivet/memory-core";
import {
  contents,
  failsWith,
  logAtom,
  newSession,
  numbered,
  OTHER_USER,
  savedSession,
  storedContents,
  USER,
} from "../expectations.ts";
import { clockAt, DAY_MS, START_MS } from "../passing-time.ts";
import type { AnyStorage, Concern } from "../suite.ts";

const NOTHING = { sessions: 0, atoms: 0, messages: 0, expired: 0, atomsByType: {} };

function call(session: Session, toolCallId: string): void {
  session.addAssistantMessage([{ type: "tool-call", toolCallId, toolName: "read", input: {} }]);
}

function answer(session: Session, toolCallId: string): void {
  const output = { type: "text", value: "done" } as const;
  session.addToolMessage([{ type: "tool-result", toolCallId, toolName: "read", output }]);
}

/** The stored roles of a session; empty when it has no messages. */
async function roles(storage: AnyStorage, sessionId: string): Promise<string[]> {
  return (await storage.loadSession(sessionId))?.history.messages().map(({ role }) => role) ?? [];
}

export const retention: Concern = {
  title: "prune",
  cases: [
    {
      title: "without a policy removes what has expired, for good, and nothing else",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        await savedSession(storage, 2, "s");
        const expiring = { ...logAtom("s", 1), id: clock.next(), expiresAt: new Date(START_MS + DAY_MS) };
        const others = ["t", "t", "u"].map((sessionId) => ({
          ...logAtom(sessionId, 2),
          expiresAt: expiring.expiresAt,
        }));
        await storage.saveMemoryAtoms([expiring, ...others, logAtom("t", 3)]);
        assert.equal((await storage.prune()).atoms, 0);
        pass(1_000 * DAY_MS);
        const receipt = await storage.prune(undefined, { batchSize: 2 });
        const { acceptedBy, prunedAt, residue: _, ...counts } = receipt;
        assert.deepEqual(counts, { ...NOTHING, atoms: 4, expired: 4, atomsByType: { log: 4 } });
        assert.ok(acceptedBy.length > 0);
        assert.equal(prunedAt.getTime(), clock.wallTimeMs());
        await storage.saveMemoryAtom(expiring);
        const again = await storage.prune();
        assert.deepEqual({ ...again }, { ...NOTHING, prunedAt, acceptedBy: [], residue: again.residue });
        assert.equal((await storage.queryMemoryAtoms({ memoryType: "log" })).length, 1);
        assert.deepEqual(await storedContents(storage, "s"), numbered(0, 2));
      },
    },
    {
      title: "removes what is older, by the time of creation and not by the id",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        await storage.saveMemoryAtom({ ...logAtom("s", "old"), memoryType: "decision" });
        const session = await savedSession(storage, 2, "s");
        pass(10 * DAY_MS);
        await storage.saveMemoryAtom({ ...logAtom("s", "imported"), createdAt: new Date(START_MS) });
        session.addUserMessage("new");
        await session.save();
        await savedSession(storage, 1, "young");
        const { sessions, atoms, messages, atomsByType } = await storage.prune({ olderThanMs: 9 * DAY_MS });
        assert.deepEqual({ sessions, atoms, messages }, { sessions: 2, atoms: 4, messages: 2 });
        assert.deepEqual(atomsByType, { decision: 1, log: 1, message_user: 2 });
        assert.deepEqual(await storedContents(storage, "s"), ["new"]);
        assert.deepEqual(await storedContents(storage, "young"), ["message 0"]);
        assert.equal((await storage.prune({ olderThanMs: 9 * DAY_MS })).atoms, 0);
      },
    },
    {
      title: "keeps the newest of the types in each session, and with an age what is younger too",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const logs = async (sessionId: string, start: number): Promise<void> => {
          const atoms = Array.from({ length: 3 }, (_, index) => logAtom(sessionId, start + index));
          await storage.saveMemoryAtoms(atoms);
        };
        const left = async (sessionId: string): Promise<unknown[]> =>
          (await storage.queryMemoryAtoms({ sessionId, memoryType: "log" })).map(({ content }) => content);
        await logs("s", 0);
        await logs("t", 0);
        await savedSession(storage, 5, "s");
        pass(DAY_MS);
        await logs("s", 3);
        const policy = { olderThanMs: DAY_MS / 2, keepLast: 2, memoryTypes: ["log"] };
        assert.equal((await storage.prune(policy)).atoms, 4);
        assert.deepEqual(
          [await left("s"), await left("t")],
          [
            [5, 4, 3],
            [2, 1],
          ],
        );
        assert.equal((await storage.prune({ keepLast: 1, memoryTypes: ["log"] })).atoms, 3);
        assert.deepEqual([await left("s"), await left("t")], [[5], [2]]);
        assert.equal((await storage.prune({ keepLast: 0, memoryTypes: ["log", "never there"] })).atoms, 2);
        assert.deepEqual(await storedContents(storage, "s"), numbered(0, 5));
      },
    },
    {
      title: "removes a tool call and its results together or not at all, however far apart they are",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const session = newSession(storage, "s");
        call(session, "late");
        call(session, "soon");
        answer(session, "soon");
        // More messages than one page has.
        for (let index = 0; index < 520; index++) session.addUserMessage(`message ${index}`);
        await session.save();
        pass(DAY_MS);
        answer(session, "late");
        session.addAssistantMessage("done");
        await session.save();
        // The results alone are not pruned while their calls are kept.
        assert.equal((await storage.prune({ keepLast: 0, memoryTypes: ["message_tool"] })).atoms, 0);
        await storage.prune({ olderThanMs: DAY_MS / 2 }, { batchSize: 50 });
        assert.deepEqual(await roles(storage, "s"), ["assistant", "tool", "assistant"]);
        await storage.prune({ keepLast: 2 });
        assert.deepEqual(await roles(storage, "s"), ["assistant", "tool", "assistant"]);
        await storage.prune({ keepLast: 1 }, { batchSize: 1 });
        assert.deepEqual(await roles(storage, "s"), ["assistant"]);
      },
    },
    {
      title: "leaves a call that waits for its result, so that the agent can go on",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 2, "s");
        call(session, "abandoned");
        session.addUserMessage("never mind");
        call(session, "waiting");
        await session.save();
        await storage.prune({ keepLast: 0 });
        assert.deepEqual(await roles(storage, "s"), ["assistant"]);
        answer(session, "waiting");
        session.addAssistantMessage("done");
        await session.save();
        assert.deepEqual(await roles(storage, "s"), ["assistant", "tool", "assistant"]);
        await storage.prune({ keepLast: 0 });
        assert.deepEqual(await roles(storage, "s"), []);
      },
    },
    {
      title: "empties a session and never deletes it: metadata stay, and it can be gone on with",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage, "s");
        session.setMetadata("plant", "north");
        session.addUserMessage("before");
        await session.save();
        await savedSession(storage, 3, "bare");
        const receipt = await storage.prune({ keepLast: 0 });
        assert.deepEqual(receipt.atomsByType, { message_user: 4 });
        const loaded = await storage.loadSession("s");
        assert.deepEqual(contents(loaded), []);
        assert.deepEqual(loaded?.metadata, { plant: "north" });
        for (const sessionId of ["s", "bare"]) {
          const again = newSession(storage, sessionId);
          again.addUserMessage("after");
          await again.save();
          assert.deepEqual(await storedContents(storage, sessionId), ["after"]);
        }
        session.addUserMessage("the same agent");
        await session.save();
        assert.deepEqual(await storedContents(storage, "s"), ["after", "the same agent"]);
      },
    },
    {
      title: "stays within the user and the session of its policy, with what has expired too",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const expiresAt = new Date(START_MS + DAY_MS);
        const atom = (sessionId: string, userId: string): Promise<unknown> =>
          storage.saveMemoryAtoms([
            { ...logAtom(sessionId, 1), userId, expiresAt },
            { ...logAtom(sessionId, 2), userId },
          ]);
        await atom("a", USER);
        await atom("b", USER);
        await atom("c", OTHER_USER);
        pass(2 * DAY_MS);
        const counts = async (policy: object): Promise<number[]> => {
          const { sessions, atoms, expired } = await storage.prune(policy);
          return [sessions, atoms, expired];
        };
        assert.deepEqual(await counts({ keepLast: 0, sessionId: "a", userId: OTHER_USER }), [0, 0, 0]);
        assert.deepEqual(await counts({ keepLast: 0, sessionId: "never there" }), [0, 0, 0]);
        assert.deepEqual(await counts({ keepLast: 0, sessionId: "a" }), [1, 2, 1]);
        assert.deepEqual(await counts({ keepLast: 0, userId: USER }), [1, 2, 1]);
        assert.deepEqual(await counts({ keepLast: 0 }), [1, 2, 1]);
      },
    },
    {
      title: "takes the storage's policy for its default",
      run: async ({ open }) => {
        const storage = await open({ retention: { keepLast: 1 } });
        await savedSession(storage, 3, "s");
        assert.equal((await storage.prune({})).atoms, 0);
        assert.equal((await storage.prune()).atoms, 2);
        assert.deepEqual(await storedContents(storage, "s"), ["message 2"]);
      },
    },
    {
      title: "can be ended between two batches, and goes on when it is called again",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 10, "s");
        const controller = new AbortController();
        const told: PruneProgress[] = [];
        const options = {
          signal: controller.signal,
          batchSize: 3,
          onProgress: (progress: PruneProgress): void => {
            told.push(progress);
            controller.abort(new Error("enough"));
          },
        };
        await assert.rejects(storage.prune({ keepLast: 1 }, options), /enough/);
        assert.equal(told.at(-1)?.atoms, 3);
        assert.equal((await storedContents(storage, "s")).length, 7);
        await assert.rejects(storage.prune({ keepLast: 1 }, options), /enough/);
        assert.equal((await storage.prune({ keepLast: 1 })).atoms, 6);
        assert.deepEqual(await storedContents(storage, "s"), ["message 9"]);
      },
    },
    {
      title: "takes nothing of what is written meanwhile",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        await savedSession(storage, 50, "s");
        await savedSession(storage, 50, "t");
        pass(DAY_MS);
        const session = await storage.loadSession("s");
        assert.ok(session);
        const write = async (): Promise<void> => {
          for (let index = 0; index < 20; index++) {
            session.addUserMessage(`new ${index}`);
            await session.save();
          }
        };
        const prune = (): Promise<{ atoms: number }> => storage.prune({ olderThanMs: DAY_MS / 2 }, { batchSize: 7 });
        const [, one, other] = await Promise.all([write(), prune(), prune()]);
        assert.equal(one.atoms + other.atoms, 100);
        assert.deepEqual(
          await storedContents(storage, "s"),
          Array.from({ length: 20 }, (_, index) => `new ${index}`),
        );
      },
    },
    {
      title: "refuses a policy that is none, with its path",
      run: async ({ open }) => {
        const storage = await open();
        const policies: [object, string][] = [
          [{ olderThanMs: -1 }, "policy.olderThanMs"],
          [{ olderThanMs: "90d" }, "policy.olderThanMs"],
          [{ olderThanMs: Number.NaN }, "policy.olderThanMs"],
          [{ keepLast: 1.5 }, "policy.keepLast"],
          [{ keepLast: -1 }, "policy.keepLast"],
          [{ keepLast: 0, memoryTypes: [] }, "policy.memoryTypes"],
          [{ keepLast: 0, memoryTypes: "log" }, "policy.memoryTypes"],
          [{ keepLast: 0, memoryTypes: ["log", ""] }, "policy.memoryTypes[1]"],
          [{ keepLast: 0, memoryTypes: ["session_metadata"] }, "policy.memoryTypes[0]"],
          [{ memoryTypes: ["log"] }, "policy.memoryTypes"],
          [{ keepLast: 0, userId: "" }, "policy.userId"],
          [{ keepLast: 0, sessionId: 7 }, "policy.sessionId"],
          [{ olderThan: "90d" }, "policy.olderThan"],
        ];
        for (const [policy, path] of policies) {
          assert.equal((await failsWith(storage.prune(policy), "invalid_input")).path, path);
        }
        for (const batchSize of [0, 10_001, 1.5]) {
          const error = await failsWith(storage.prune({}, { batchSize }), "invalid_input");
          assert.equal(error.path, "options.batchSize");
        }
        await failsWith((async () => open({ retention: { keepLast: -1 } }))(), "invalid_input");
      },
    },
  ],
};
