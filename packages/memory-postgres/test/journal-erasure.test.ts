import { readFile } from "node:fs/promises";
import { sharedServer, until } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { journalPath, NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });
const SECRET = "the-secret-of-ada";

async function say(session: Session, text: string): Promise<void> {
  session.addUserMessage(text);
  await session.save();
}

/** Repeats it for as long as it fails for want of providers, and not for another reason. */
async function onceReachable<Result>(work: () => Promise<Result>): Promise<Result> {
  const outcome = await until(async () => {
    try {
      return { result: await work() };
    } catch (error) {
      if (MemoryError.isInstance(error) && error.code === "unavailable") throw error;
      return { error };
    }
  });
  if ("error" in outcome) throw outcome.error;
  return outcome.result;
}

async function textsAt(storage: PostgresMemoryStorage): Promise<unknown[]> {
  const atoms = await storage.queryMemoryAtoms({ limit: 100 });
  return atoms.map(({ content }) => content).filter((content) => typeof content === "string");
}

it("a user who is erased when three providers return is nowhere, also of what waited in the journal", async () => {
  const providers = await ThreeProviders.start(server());
  const path = journalPath();
  const storage = await providers.storage({ local: path });
  const known = new Session({ userId: "ada", storage });
  await say(known, `one, ${SECRET}`);
  providers.cut("refuse", ...NAMES);
  await say(known, `two, ${SECRET}`);
  await say(new Session({ userId: "ada", storage }), `three, ${SECRET}`);
  await say(new Session({ userId: "bob", storage }), "four");
  await expect(storage.deleteUser("ada")).rejects.toMatchObject({ code: "unavailable" });
  providers.cut("pass", ...NAMES);
  const receipt = await onceReachable(() => storage.deleteUser("ada"));
  expect(receipt.residue.filter(({ store }) => store === "local")).toEqual([]);
  expect((await readFile(path)).includes(SECRET)).toBe(false);
  await until(async () => {
    const held = await Promise.all(NAMES.map((name) => textsAt(providers.at(name))));
    expect(held).toEqual([["four"], ["four"], ["four"]]);
  });
  await until(async () =>
    expect((await storage.getReplicationStatus()).journal?.map(({ atoms }) => atoms)).toEqual([0, 0, 0]),
  );
  for (const name of NAMES) expect(await textsAt(providers.at(name))).toEqual(["four"]);
});
