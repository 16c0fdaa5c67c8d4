import assert from "node:assert/strict";
import type { MemoryError } from "@rivet/memory-core";
import { collect, failsWith, logAtom, newSession, OTHER_USER, savedSession, USER } from "./expectations.ts";
import type { AnyStorage, Concern } from "./suite.ts";

type Call = readonly [method: string, args: readonly unknown[], path: string];

/** Calls a method as JavaScript may call it, without the compiler's checks. A stream is read to its end. */
async function call(storage: AnyStorage, method: string, args: readonly unknown[]): Promise<unknown> {
  const implementation: unknown = Reflect.get(storage, method);
  assert.ok(typeof implementation === "function");
  const result: unknown = Reflect.apply(implementation, storage, args);
  return isStream(result) ? collect(result) : result;
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

async function refused(storage: AnyStorage, [method, args, path]: Call): Promise<MemoryError> {
  const error = await failsWith(call(storage, method, args), "invalid_input");
  assert.equal(error.path, path, `${method}: ${error.message}`);
  return error;
}

/** All fields that narrow what is read or erased. */
const GUARDS: readonly Call[] = [
  ["loadSession", ["s", { userId: undefined }], "options.userId"],
  ["deleteSession", ["s", { userId: undefined }], "options.userId"],
  ["deleteMemoryAtoms", ["s", [], { userId: undefined }], "options.userId"],
  ["listSessions", [{ userId: undefined }], "query.userId"],
  ["sessions", [{ userId: undefined }], "query.userId"],
  ["queryMemoryAtoms", [{ userId: undefined }], "query.userId"],
  ["queryMemoryAtoms", [{ sessionId: undefined }], "query.sessionId"],
  ["queryMemoryAtoms", [{ memoryType: undefined }], "query.memoryType"],
  ["queryMemoryAtoms", [{ memoryType: ["log", undefined] }], "query.memoryType[1]"],
  ["atoms", [{ userId: undefined }], "query.userId"],
  ["atoms", [{ sessionId: undefined }], "query.sessionId"],
  ["atoms", [{ memoryType: undefined }], "query.memoryType"],
  ["prune", [{ keepLast: 0, userId: undefined }], "policy.userId"],
  ["prune", [{ keepLast: 0, sessionId: undefined }], "policy.sessionId"],
  ["prune", [{ keepLast: 0, olderThanMs: undefined }], "policy.olderThanMs"],
  ["prune", [{ olderThanMs: 0, keepLast: undefined }], "policy.keepLast"],
  ["prune", [{ keepLast: 0, memoryTypes: undefined }], "policy.memoryTypes"],
];

/** A misspelt field of each options object, and the intended field. */
const MISSPELT: readonly (readonly [...Call, meant: string])[] = [
  ["loadSession", ["s", { user: USER }], "options.user", "userId"],
  ["loadSession", ["s", { lastMessage: 1 }], "options.lastMessage", "lastMessages"],
  ["deleteSession", ["s", { user_id: USER }], "options.user_id", "userId"],
  ["deleteMemoryAtoms", ["s", [], { userid: USER }], "options.userid", "userId"],
  ["listSessions", [{ user: USER }], "query.user", "userId"],
  ["sessions", [{ userID: USER }], "query.userID", "userId"],
  ["queryMemoryAtoms", [{ session: "s" }], "query.session", "sessionId"],
  ["queryMemoryAtoms", [{ memoryTypes: ["log"] }], "query.memoryTypes", "memoryType"],
  ["atoms", [{ useId: USER }], "query.useId", "userId"],
  ["prune", [{ olderThan: 1 }], "policy.olderThan", "olderThanMs"],
  ["prune", [{ keepLast: 1 }, { batchsize: 1 }], "options.batchsize", "batchSize"],
  ["saveMemoryAtom", [{ ...logAtom("s", 1), expires: new Date() }], "atom.expires", "expiresAt"],
  ["saveMemoryAtoms", [[{ ...logAtom("s", 1), metaData: {} }]], "atoms[0].metaData", "metadata"],
];

function throwing(): never {
  throw new Error("secret of the getter");
}

/** Unreadable options, with the path of the problem. */
const UNREADABLE: readonly Call[] = [
  ["listSessions", [Object.defineProperty({}, "userId", { enumerable: true, get: throwing })], "query.userId"],
  ["loadSession", ["s", new Proxy({}, { ownKeys: throwing })], "options"],
  ["deleteSession", ["s", new Proxy({}, { has: throwing })], "options.userId"],
  ["deleteMemoryAtoms", ["s", Object.defineProperty([], 0, { get: throwing })], "ids[0]"],
  ["saveMemoryAtom", [Object.defineProperty({}, "sessionId", { get: throwing })], "atom.sessionId"],
  ["saveMemoryAtoms", [new Proxy([1], { get: throwing })], "atoms"],
];

/** Values without option fields. Accepted as options, they would narrow nothing and return or erase everything. */
const NO_OPTIONS: readonly unknown[] = [
  "userId",
  7,
  null,
  [],
  new Map([["userId", USER]]),
  new URLSearchParams({ userId: USER }),
  Promise.resolve({ userId: USER }),
];

export const options: Concern = {
  title: "options",
  cases: [
    {
      title: "whose guard or filter is undefined are refused, and nothing is read or removed",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 2, "s");
        for (const each of GUARDS) await refused(storage, each);
        assert.equal((await storage.loadSession("s"))?.history.length, 2);
      },
    },
    {
      title: "with a field that is not known are refused by its name, and the error has the one that is meant",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 2, "s");
        for (const [method, args, path, meant] of MISSPELT) {
          const error = await refused(storage, [method, args, path]);
          assert.match(error.message, new RegExp(`did you mean ${meant}\\?`), error.message);
        }
        const session = newSession(storage);
        const save = Reflect.apply(session.save, session, [{ ifUnchnaged: true }]);
        assert.equal((await failsWith(save, "invalid_input")).path, "options.ifUnchnaged");
        assert.equal((await storage.loadSession("s"))?.history.length, 2);
        assert.equal((await storage.listSessions()).length, 1);
      },
    },
    {
      title: "of a storage with a field that is not known are refused when it is made",
      run: async ({ open }) => {
        const misspelt = Object.assign({ maxAtomBytes: 1_000 }, { maxAtomByte: 1_000 });
        const error = await failsWith(open(misspelt), "invalid_input");
        assert.equal(error.path, "options.maxAtomByte");
        assert.match(error.message, /did you mean maxAtomBytes\?/);
      },
    },
    {
      title: "that cannot be read are refused with the path, and the message repeats nothing of what was thrown",
      run: async ({ open }) => {
        const storage = await open();
        for (const each of UNREADABLE) {
          const error = await refused(storage, each);
          assert.doesNotMatch(error.message, /secret/);
        }
      },
    },
    {
      title: "that are no object with fields are refused",
      run: async ({ open }) => {
        const storage = await open();
        for (const none of NO_OPTIONS) {
          await refused(storage, ["listSessions", [none], "query"]);
          await refused(storage, ["deleteSession", ["s", none], "options"]);
          await refused(storage, ["prune", [none], "policy"]);
        }
      },
    },
    {
      title: "whose other fields are undefined have their defaults",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 2, "s");
        const first: unknown = await call(storage, "listSessions", [{ limit: undefined, before: undefined }]);
        assert.ok(Array.isArray(first) && first.length === 1);
        const loaded = await call(storage, "loadSession", ["s", { lastMessages: undefined }]);
        assert.ok(loaded !== null);
        const others = await storage.listSessions({ userId: OTHER_USER });
        assert.deepEqual(others, []);
      },
    },
  ],
};
