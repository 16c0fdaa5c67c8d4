import { DatabaseManager, type Queryable, type TransactionOptions } from "@rivet/db-manager";
import { sharedServer } from "@rivet/local-servers";
import { AtomClock, MemoryError, NIL_ID, UNKNOWN_OWNER } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readHeads } from "./stored-heads.ts";

const server = sharedServer({ beforeAll, afterAll });
const clock = new AtomClock();
const SESSION = { sessionId: "s", userId: "ada" };
const STATEMENTS = 10;

/** Calls back before each statement of a transaction. */
class SteppedManager extends DatabaseManager {
  beforeStatement: (() => Promise<void>) | undefined;

  override transaction<Result>(
    work: (client: Queryable) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result> {
    return super.transaction((client) => work(this.#stepped(client)), options);
  }

  #stepped(client: Queryable): Queryable {
    return {
      query: async (statement, values, options) => {
        await this.beforeStatement?.();
        return client.query(statement, values, options);
      },
    };
  }
}

interface Race {
  readonly storage: PostgresMemoryStorage;
  /** Of atoms that others save meanwhile, each before one more statement. */
  readonly ids: readonly string[];
}

const CHANGES: Readonly<Record<string, (race: Race) => Promise<unknown>>> = {
  "deletes atoms": ({ storage, ids }) => storage.deleteMemoryAtoms("s", ids),
  "deletes the session": ({ storage }) => storage.deleteSession("s"),
  "deletes the user": ({ storage }) => storage.deleteUser("ada"),
  "clears it": ({ storage, ids }) => clear(storage, ids.at(-1)),
  "learns of deleted atoms": ({ storage, ids }) => merge(storage, ids),
  "learns that it was deleted": ({ storage }) => merge(storage, [NIL_ID]),
};

async function clear(storage: PostgresMemoryStorage, throughId: string | undefined): Promise<void> {
  const session = await storage.loadSession("s");
  if (session === null || throughId === undefined) return;
  session.clearHistory();
  session.addUserMessage("From the start");
  await session.save();
}

function merge(storage: PostgresMemoryStorage, ids: readonly string[]): Promise<unknown> {
  const owner = UNKNOWN_OWNER;
  const tombstones = ids.map((id) => ({ sessionId: "s", id, owner, deletedAtMs: 1_700_000_000_000 }));
  return storage.replica.merge({ rows: [], tombstones });
}

describe.each(Object.keys(CHANGES))(
  "a session that others save to before each statement of a transaction that %s",
  (change) => {
    it.each(Array.from({ length: 5 }, (_, first) => first))(
      "has the head of its atoms (from statement %i on)",
      async (first) => {
        const url = await server().createDatabase();
        const db = new SteppedManager({ providers: [{ name: "neon", connectionString: url }] });
        onTestFinished(() => db.close());
        const [storage, other] = [
          new PostgresMemoryStorage({ db }),
          new PostgresMemoryStorage({ connectionString: url }),
        ];
        onTestFinished(() => other.close());
        await Promise.all([storage.open(), other.open()]);
        if (change === "clears it")
          await other.saveMemoryAtom({ ...SESSION, memoryType: "message_user", content: "Before" });

        const ids = Array.from({ length: STATEMENTS }, () => clock.next());
        const saves: Promise<unknown>[] = [];
        let statement = 0;
        db.beforeStatement = async () => {
          statement += 1;
          const id = ids[statement - 1];
          if (statement <= first || id === undefined) return;
          const save = other
            .saveMemoryAtom({ ...SESSION, id, memoryType: "message_user", content: `Before ${statement}` })
            .catch(orDeleted);
          saves.push(save);
          await settledOrBlocked(save, url);
        };
        await CHANGES[change]?.({ storage, ids });
        await Promise.all(saves);
        const { stored, expected } = await readHeads(url);
        expect(stored).toEqual(expected);
      },
    );
  },
);

function orDeleted(error: unknown): void {
  if (!MemoryError.isInstance(error) || error.code !== "not_found") throw error;
}

/** Until it is over, or somebody in the database waits for a lock. */
async function settledOrBlocked(work: Promise<unknown>, url: string): Promise<void> {
  let isSettled = false;
  void work.finally(() => (isSettled = true)).catch(() => undefined);
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  const text = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1";
  while (!isSettled && (await server().query(text, [database])).length === 0);
}
