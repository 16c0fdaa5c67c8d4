import assert from "node:assert/strict";
import { AtomClock, MemoryError, Session } from "@rivet/memory-core";
import { collect, failsWith, logAtom, newSession, USER } from "../expectations.ts";
import type { AnyStorage, Concern } from "../suite.ts";

/** Calls a method as JavaScript may call it, without the compiler's checks. */
async function call(target: object, method: string, ...args: unknown[]): Promise<unknown> {
  const implementation: unknown = Reflect.get(target, method);
  assert.ok(typeof implementation === "function");
  return Reflect.apply(implementation, target, args);
}

const BAD_NAMES: readonly unknown[] = ["", "x".repeat(513), "a\0b", 1, null, undefined, {}, ["s"]];
const BAD_LIMITS: readonly unknown[] = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "10", null, 2 ** 60];
const BAD_IDS: readonly unknown[] = [
  "",
  "not an id",
  "00000000-0000-0000-0000-000000000000",
  1,
  null,
  crypto.randomUUID(),
];

function cyclic(): unknown {
  const cycle: { self?: unknown } = {};
  cycle.self = [cycle];
  return cycle;
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

function throwing(): never {
  throw new Error("the value does not want to be read");
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const BAD_VALUES: readonly [value: unknown, path: string | RegExp][] = [
  [undefined, "atom.content"],
  [[1, undefined], "atom.content[1]"],
  // oxlint-disable-next-line no-sparse-arrays
  [[1, , 3], "atom.content[1]"],
  [{ list: [{ run: () => 1 }] }, "atom.content.list[0].run"],
  [{ "a key": Symbol("s") }, 'atom.content["a key"]'],
  [{ n: Number.NaN }, "atom.content.n"],
  [[[Number.NEGATIVE_INFINITY]], "atom.content[0][0]"],
  [{ big: 1n }, "atom.content.big"],
  [cyclic(), /^atom\.content\.self\[0\]/],
  [nested(1_001), /^atom\.content\[0\]/],
  [{ at: new Date(Number.NaN) }, "atom.content.at"],
  [{ map: new Map() }, "atom.content.map"],
  [{ set: new Set() }, "atom.content.set"],
  [new Uint8Array(2), "atom.content"],
  [{ result: Buffer.alloc(100_000) }, "atom.content.result"],
  [{ list: [new DataView(new ArrayBuffer(2))] }, "atom.content.list[0]"],
  [{ buffer: new ArrayBuffer(2), key: new Float64Array(1) }, "atom.content.buffer"],
  [{ bytes: { toJSON: () => Buffer.alloc(2) } }, "atom.content.bytes"],
  [{ list: [Object.defineProperty({}, "key", { enumerable: true, get: throwing })] }, "atom.content.list[0].key"],
  [{ made: { toJSON: throwing } }, "atom.content.made"],
  [{ late: Object.defineProperty({}, "toJSON", { get: throwing }) }, "atom.content.late"],
  [[new Proxy({ a: 1 }, { ownKeys: throwing })], "atom.content[0]"],
  [[new Proxy([1], { get: throwing })], "atom.content[0]"],
  [
    { of: new Proxy({ key: 1 }, { get: (target, key) => (key === "key" ? throwing() : Reflect.get(target, key)) }) },
    "atom.content.of.key",
  ],
  [revoked({}), "atom.content"],
  [{ list: revoked([]) }, "atom.content.list"],
];

export const badInput: Concern = {
  title: "bad input is refused with invalid_input and its path, before anything is stored:",
  cases: [
    {
      title: "names that are empty, over-long, no strings, or have NUL",
      run: async ({ open }) => {
        const storage = await open();
        for (const bad of BAD_NAMES) {
          for (const field of ["sessionId", "userId", "memoryType"]) {
            await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), [field]: bad }], `atom.${field}`);
          }
          for (const method of ["loadSession", "deleteSession"]) await refused(storage, method, [bad], "sessionId");
          await refused(storage, "deleteMemoryAtoms", [bad, []], "sessionId");
          await refused(storage, "deleteUser", [bad], "userId");
          if (bad !== undefined) {
            await refused(storage, "loadSession", ["s", { userId: bad }], "options.userId");
            await refused(storage, "queryMemoryAtoms", [{ sessionId: bad }], "query.sessionId");
            if (!Array.isArray(bad))
              await refused(storage, "queryMemoryAtoms", [{ memoryType: bad }], "query.memoryType");
            assert.throws(
              () => Reflect.construct(Session, [{ userId: USER, storage, sessionId: bad }]),
              isInvalid("sessionId"),
            );
          }
          assert.throws(() => Reflect.construct(Session, [{ userId: bad, storage }]), isInvalid("userId"));
        }
        await assertEmpty(storage);
      },
    },
    {
      title: "limits that are none",
      run: async ({ open }) => {
        const storage = await open();
        for (const limit of BAD_LIMITS) {
          await refused(storage, "queryMemoryAtoms", [{ limit }], "query.limit");
          await refused(storage, "listSessions", [{ limit }], "query.limit");
          await refused(storage, "loadSession", ["s", { lastMessages: limit }], "options.lastMessages");
          assert.throws(
            () => Reflect.apply(Session.prototype.getRecentMessages, newSession(storage), [limit]),
            isInvalid("limit"),
          );
        }
      },
    },
    {
      title: "ids that are no UUIDv7, or from the far future",
      run: async ({ open }) => {
        const storage = await open();
        const future = new AtomClock({ now: () => Date.now() + 1_000 * 60 * 60 * 24 * 365 }).next();
        for (const id of [...BAD_IDS, future]) {
          await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), id }], "atom.id");
        }
        for (const id of BAD_IDS) {
          await refused(storage, "queryMemoryAtoms", [{ before: id }], "query.before");
          await refused(storage, "queryMemoryAtoms", [{ after: id }], "query.after");
          await refused(storage, "listSessions", [{ before: id }], "query.before");
          await refused(storage, "deleteMemoryAtoms", ["s", [id]], "ids[0]");
        }
        await assertEmpty(storage);
      },
    },
    {
      title: "content and metadata that JSON cannot hold",
      run: async ({ open }) => {
        const storage = await open();
        for (const [value, path] of BAD_VALUES) {
          const error = await failsWith(call(storage, "saveMemoryAtom", logAtom("s", value)), "invalid_input");
          if (typeof path === "string") assert.equal(error.path, path);
          else assert.match(error.path ?? "", path);
          assert.equal(error.outcome, "not_applied");
          assert.equal(error.operation, "saveMemoryAtom");
        }
        await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), metadata: [] }], "atom.metadata");
        await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), metadata: revoked({}) }], "atom.metadata");
        const session = newSession(storage);
        const list = [{ type: "tool-result", output: { type: "json", value: Buffer.alloc(8) } }];
        const add = (): unknown => Reflect.apply(session.addToolMessage, session, [list]);
        assert.throws(add, isInvalid("content[0].output.value"));
        assert.throws(() => session.setMetadata("key", { toJSON: throwing }), isInvalid("metadata.key"));
        await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), metadata: { f: () => 1 } }], "atom.metadata.f");
        await refused(storage, "saveMemoryAtom", [{ ...logAtom("s", 1), createdAt: "today" }], "atom.createdAt");
        await refused(storage, "saveMemoryAtoms", [[logAtom("s", 1), logAtom("s", 1n)]], "atoms[1].content");
        await refused(storage, "saveMemoryAtoms", ["none"], "atoms");
        await refused(storage, "saveMemoryAtom", [null], "atom");
        await assertEmpty(storage);
        await storage.saveMemoryAtom(logAtom("s", nested(1_000)));
      },
    },
    {
      title: "atoms over maxAtomBytes",
      run: async ({ open }) => {
        const storage = await open({ maxAtomBytes: 1_000 });
        const error = await failsWith(storage.saveMemoryAtom(logAtom("s", "ü".repeat(500))), "invalid_input");
        assert.match(error.message, /maxAtomBytes/);
        const session = newSession(storage);
        assert.throws(() => session.addUserMessage("x".repeat(1_001)), MemoryError);
        assert.throws(() => session.setMetadata("key", "x".repeat(1_001)), MemoryError);
        session.addUserMessage("x".repeat(900));
        await session.save();
        assert.equal((await storage.listSessions())[0]?.messageCount, 1);
      },
    },
    {
      title: "messages whose content has no shape of one, and roles that are none",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        const add = (content: unknown): unknown => Reflect.apply(session.addUserMessage, session, [content]);
        assert.throws(() => add(1), isInvalid("content"));
        assert.throws(() => add(null), isInvalid("content"));
        assert.throws(() => add({ type: "text", text: "not in an array" }), isInvalid("content"));
        assert.throws(() => add([{ text: "no type" }]), isInvalid("content[0].type"));
        assert.throws(() => add([{ type: "text" }]), isInvalid("content[0].text"));
        assert.throws(
          () => add([{ type: "tool-call", toolCallId: "1", toolName: "t" }]),
          isInvalid("content[0].input"),
        );
        assert.throws(
          () => Reflect.apply(session.history.messages, session.history, [{ role: "robot" }]),
          isInvalid("role"),
        );
        assert.equal(session.history.length, 0);
        assert.equal(session.unsavedCount, 1);
        const message = { sessionId: "s", userId: USER, memoryType: "message_user", content: 1 };
        await refused(storage, "saveMemoryAtom", [message], "atom.content");
        const metadata = { sessionId: "s", userId: USER, memoryType: "session_metadata", content: { title: "t" } };
        await refused(storage, "saveMemoryAtom", [metadata], "atom.content.set");
        await assertEmpty(storage);
      },
    },
    {
      title: "what is no session, and options that are none",
      run: async ({ open }) => {
        const storage = await open();
        await refused(storage, "saveSession", [{ sessionId: "s", userId: USER }], "session");
        await refused(storage, "saveSession", [newSession(storage), "ifUnchanged"], "options");
        await refused(storage, "loadSession", ["s", USER], "options");
        await assertEmpty(storage);
      },
    },
  ],
};

function isInvalid(path: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(MemoryError.isInstance(error));
    assert.equal(error.code, "invalid_input");
    assert.equal(error.path, path);
    return true;
  };
}

async function refused(storage: AnyStorage, method: string, args: readonly unknown[], path: string): Promise<void> {
  const error = await failsWith(call(storage, method, ...args), "invalid_input");
  assert.equal(error.path, path, `${method}: ${error.message}`);
  assert.equal(error.operation, method);
  assert.equal(error.retryable, false);
}

async function assertEmpty(storage: AnyStorage): Promise<void> {
  assert.deepEqual(await collect(storage.atoms()), []);
  assert.deepEqual(await storage.listSessions(), []);
}
