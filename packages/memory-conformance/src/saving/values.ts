import assert from "node:assert/strict";
import { Session, type JsonValue } from "@rivet/memory-core";
import fc from "fast-check";
import { logAtom, newSession, storedContents, USER } from "../expectations.ts";
import type { Concern } from "../suite.ts";

/** Any sequence of UTF-16 code units, with frequent NUL, lone surrogates and escape characters. */
const anyString = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0x10, 0x5c, 0xd800, 0xdfff, 0xfffd, 0xffff)),
    {
      maxLength: 40,
    },
  )
  .map((units) => String.fromCharCode(...units));
const anyName = anyString.filter((text) => text !== "" && !text.includes("\0"));
const anyJson = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    anyString,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(anyString, tie("value")), { maxLength: 4, selector: ([key]) => key })
      .map(Object.fromEntries),
  ),
})).value;

const TRICKY_TEXTS = [
  "",
  "\0",
  "a\0b",
  "\ud800",
  "\udc00\ud800",
  "\ud83d\ude00",
  "\u0010",
  "\u00100000",
  "\\u0000",
  "\\\\u0000",
  "\\u0010d800",
  "\ufffd\ufffe\uffff",
  "'; DROP TABLE session_memories; --",
  "%_\\",
  "\r\n\t\u2028\u2029\ufeff",
  "e\u0301 is not é",
];

const RUNS = 60;

export const values: Concern = {
  title: "values",
  cases: [
    {
      title: "that are tricky texts come back to the code unit, as content, key, metadata and message",
      run: async ({ open }) => {
        const storage = await open();
        const content = Object.fromEntries(TRICKY_TEXTS.map((text, index) => [text, { [text]: [text, index] }]));
        await storage.saveMemoryAtom({ ...logAtom("s", content), metadata: content });
        const [atom] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(atom?.content, content);
        assert.deepEqual(atom?.metadata, content);
        const session = newSession(storage, "t");
        for (const text of TRICKY_TEXTS) session.addUserMessage(text);
        for (const text of TRICKY_TEXTS.filter((key) => key !== "" && !key.includes("\0")))
          session.setMetadata(text, text);
        await session.save();
        assert.deepEqual(await storedContents(storage, "t"), TRICKY_TEXTS);
        assert.deepEqual((await storage.loadSession("t"))?.metadata, session.metadata);
        assert.deepEqual((await storage.listSessions({ limit: 1 }))[0]?.metadata, session.metadata);
      },
    },
    {
      title: "of any JSON over all code units come back as they were",
      run: async ({ open }) => {
        const storage = await open();
        await fc.assert(
          fc.asyncProperty(anyJson, fc.dictionary(anyString, anyJson, { maxKeys: 3 }), async (content, metadata) => {
            const { id } = await storage.saveMemoryAtom({ ...logAtom("s", content), metadata });
            const [atom] = await storage.queryMemoryAtoms({ sessionId: "s", limit: 1 });
            assert.equal(atom?.id, id);
            assert.deepEqual(plain(atom?.content), plain(content));
            assert.deepEqual(plain(atom?.metadata), plain(metadata));
          }),
          { numRuns: RUNS },
        );
      },
    },
    {
      title: "of any string work as ids, types and metadata keys, and stay distinct",
      run: async ({ open }) => {
        const storage = await open();
        const owners = new Map<string, string>();
        await fc.assert(
          fc.asyncProperty(anyName, anyName, anyName, anyName, async (name, user, type, key) => {
            const sessionId = name;
            // A repeated name still belongs to its first user, although no atom is left under it.
            const userId = owners.get(name) ?? `${user} of ${name}`.slice(0, 512);
            owners.set(name, userId);
            const memoryType = type.startsWith("message_") || type === "session_metadata" ? "log" : type;
            const session = new Session({ userId, storage, sessionId, metadata: { [key]: user } });
            await session.save();
            await storage.saveMemoryAtom({ sessionId, userId, memoryType, content: type });
            const [atom] = await storage.queryMemoryAtoms({ sessionId, userId, memoryType });
            assert.deepEqual([atom?.sessionId, atom?.userId, atom?.memoryType], [sessionId, userId, memoryType]);
            const loaded = await storage.loadSession(sessionId, { userId });
            assert.deepEqual([loaded?.sessionId, loaded?.userId], [sessionId, userId]);
            assert.deepEqual(Object.entries(loaded?.metadata ?? {}), [[key, user]]);
            // The same names may be generated again, and must start without atoms.
            await storage.deleteMemoryAtoms(
              sessionId,
              (await storage.queryMemoryAtoms({ sessionId })).map(({ id }) => id),
            );
            assert.equal(await storage.loadSession(sessionId), null);
          }),
          { numRuns: RUNS },
        );
      },
    },
    {
      title: "under a key named __proto__ are values like others",
      run: async ({ open }) => {
        const storage = await open();
        const content: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
        await storage.saveMemoryAtom(logAtom("s", content));
        const session = newSession(storage, "t");
        session.setMetadata("__proto__", { polluted: true });
        await session.save();
        const [atom] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(Object.keys(Object(atom?.content)).toSorted(), ["__proto__", "constructor"]);
        const loaded = await storage.loadSession("t");
        assert.deepEqual(Object.entries(loaded?.metadata ?? {}), [["__proto__", { polluted: true }]]);
        assert.deepEqual(Object.entries((await storage.listSessions({ limit: 1 }))[0]?.metadata ?? {}).length, 1);
        assert.equal(Reflect.get({}, "polluted"), undefined);
      },
    },
    {
      title: "that are nested 900 levels deep, or 1 MiB large, come back whole",
      run: async ({ open }) => {
        const storage = await open();
        let deep: unknown = "bottom";
        for (let level = 0; level < 900; level++) deep = level % 2 === 0 ? [deep] : { deep };
        const large = "ü".repeat(512 * 1024);
        await storage.saveMemoryAtoms([logAtom("deep", deep), logAtom("large", large)]);
        const [deepAtom] = await storage.queryMemoryAtoms({ sessionId: "deep" });
        assert.equal(JSON.stringify(deepAtom?.content), JSON.stringify(deep));
        const [largeAtom] = await storage.queryMemoryAtoms({ sessionId: "large" });
        assert.equal(largeAtom?.content, large);
      },
    },
    {
      title: "of numbers keep their precision",
      run: async ({ open }) => {
        const storage = await open();
        const numbers = [0, 1, -1, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, 123456789.12345679];
        await storage.saveMemoryAtom(logAtom("s", numbers));
        const [atom] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(atom?.content, numbers);
      },
    },
    {
      title: "are copies: what a caller does to them later changes nothing that is stored",
      run: async ({ open }) => {
        const storage = await open();
        const content = { list: [1] };
        const metadata = { tags: ["a"] };
        const saved = await storage.saveMemoryAtom({
          sessionId: "s",
          userId: USER,
          memoryType: "log",
          content,
          metadata,
        });
        content.list.push(2);
        metadata.tags.push("b");
        vandalise(saved.content);
        vandalise(saved.metadata);
        const [read] = await storage.queryMemoryAtoms({ sessionId: "s" });
        vandalise(read?.content);
        saved.createdAt.setTime(0);
        const [again] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(again?.content, { list: [1] });
        assert.deepEqual(again?.metadata, { tags: ["a"] });

        const session = newSession(storage, "t");
        const parts = [{ type: "text" as const, text: "as it was said" }];
        session.addUserMessage(parts);
        parts.push({ type: "text", text: "added later" });
        await session.save();
        assert.deepEqual(await storedContents(storage, "t"), [[{ type: "text", text: "as it was said" }]]);
      },
    },
  ],
};

/** A copy whose objects have the usual prototype, which objects of fast-check's dictionaries may lack. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function vandalise(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  for (const key of Object.keys(value)) Reflect.set(value, key, "vandalised");
}
