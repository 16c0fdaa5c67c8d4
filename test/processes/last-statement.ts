/** Awaits one public method as the last statement of its process. Argument: which one. */
import { writeSync } from "node:fs";
import { replicate, Session, verify } from "@rivet/memory-core";
import { LateStorage } from "./late-storage.ts";

const atom = { sessionId: "atoms", userId: "ada", memoryType: "note", content: 1 };

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

const calls: Readonly<Record<string, (storage: LateStorage, session: Session) => Promise<unknown>>> = {
  "storage.open": (storage) => storage.open(),
  "storage.close": (storage) => storage.close(),
  "storage[Symbol.asyncDispose]": (storage) => storage[Symbol.asyncDispose](),
  "storage.saveSession": (storage, session) => storage.saveSession(session),
  "storage.loadSession": (storage) => storage.loadSession("s"),
  "storage.refreshSession": (storage, session) => storage.refreshSession(session),
  "storage.deleteSession": (storage) => storage.deleteSession("s"),
  "storage.listSessions": (storage) => storage.listSessions(),
  "storage.saveMemoryAtom": (storage) => storage.saveMemoryAtom(atom),
  "storage.saveMemoryAtoms": (storage) => storage.saveMemoryAtoms([atom]),
  "storage.queryMemoryAtoms": (storage) => storage.queryMemoryAtoms(),
  "storage.deleteMemoryAtoms": (storage) => storage.deleteMemoryAtoms("s", ["01890000-0000-7000-8000-000000000000"]),
  "storage.deleteUser": (storage) => storage.deleteUser("ada"),
  "storage.prune": (storage) => storage.prune({ keepLast: 1 }),
  "storage.atoms": (storage) => readAll(storage.atoms()),
  "storage.sessions": (storage) => readAll(storage.sessions()),
  "storage.ask": (storage) => storage.ask(),
  "session.save": (_, session) => session.save(),
  "session.refresh": (_, session) => session.refresh(),
  "session[Symbol.asyncDispose]": (_, session) => session[Symbol.asyncDispose](),
  "Session.load": (storage) => Session.load("s", storage),
  replicate: (storage) => replicate(storage, new LateStorage()),
  verify: (storage) => readAll(verify(storage, new LateStorage())),
};

const [name = ""] = process.argv.slice(2);
if (name === "") {
  writeSync(
    1,
    Object.keys(calls)
      .map((call) => `${call}\n`)
      .join(""),
  );
} else {
  const storage = new LateStorage();
  const session = new Session({ userId: "ada", sessionId: "s", storage });
  if (name !== "storage.open") await session.save();
  session.addUserMessage("one");
  await calls[name]?.(storage, session);
  writeSync(1, "settled\n");
}
