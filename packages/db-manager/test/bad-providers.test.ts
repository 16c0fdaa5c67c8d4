import { DatabaseManager, type ProviderConfig, type ProviderState } from "@rivet/db-manager";
import { expect, it, onTestFinished } from "vitest";
import { useServer } from "./servers.ts";

const server = useServer();

/** Fails as a server does whose disk is full, in the database of this name. */
const FULL_DISK = `
  CREATE FUNCTION write_to_full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full';
  END $$;
  CREATE TRIGGER full_disk BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION write_to_full_disk()`;

interface Case {
  readonly name: string;
  readonly state: ProviderState;
  readonly code: string;
  /** Spoils the first provider, given the address of its database. */
  readonly spoil: (url: string) => Promise<Partial<ProviderConfig>>;
}

async function inDatabase(url: string, sql: string): Promise<void> {
  await server().query(sql, [], new URL(url).pathname.slice(1));
}

function changed(url: string, change: (address: URL) => void): Partial<ProviderConfig> {
  const address = new URL(url);
  change(address);
  return { connectionString: address.href };
}

const CASES: readonly Case[] = [
  {
    name: "whose name does not resolve",
    state: "down",
    code: "unavailable",
    spoil: async (url) => ({ ...changed(url, (address) => (address.hostname = "db.invalid")), ssl: false }),
  },
  {
    name: "that does not speak TLS",
    state: "ineligible",
    code: "unavailable",
    spoil: async () => ({ ssl: true }),
  },
  {
    name: "whose password is wrong",
    state: "ineligible",
    code: "permission",
    spoil: async (url) => changed(url, (address) => (address.password = "wrong")),
  },
  {
    name: "whose database is missing",
    state: "ineligible",
    code: "schema",
    spoil: async (url) => changed(url, (address) => (address.pathname = "/nowhere")),
  },
  {
    name: "that is read-only",
    state: "read-only",
    code: "unavailable",
    spoil: async (url) => {
      const database = new URL(url).pathname.slice(1);
      await server().query(`ALTER DATABASE "${database}" SET default_transaction_read_only = on`);
      return {};
    },
  },
  {
    name: "that takes no more connections",
    state: "saturated",
    code: "unavailable",
    spoil: async (url) => {
      const role = `limited_${new URL(url).pathname.slice(1)}`;
      await server().query(`CREATE ROLE "${role}" LOGIN PASSWORD 'limited' CONNECTION LIMIT 0`);
      return changed(url, (address) => {
        address.username = role;
        address.password = "limited";
      });
    },
  },
  {
    name: "whose disk is full",
    state: "no-write",
    code: "unavailable",
    spoil: async (url) => {
      await inDatabase(url, FULL_DISK);
      return {};
    },
  },
];

it.each(CASES)(
  "a provider $name is $state, with one event, and the next takes the work",
  async ({ state, code, spoil }) => {
    const [bad, good] = [await server().createDatabase(), await server().createDatabase()];
    for (const url of [bad, good]) await inDatabase(url, "CREATE TABLE t (id int PRIMARY KEY)");
    const providers = [
      { name: "bad", connectionString: bad, ...(await spoil(bad)) },
      { name: "good", connectionString: good },
    ];
    const db = new DatabaseManager({ providers });
    onTestFinished(() => db.close());
    const events: string[] = [];
    db.on("stateChange", ({ provider, to, error }) => {
      // A good probe of one that cannot write is no news: only a write will tell.
      if (provider === "bad" && to !== "up" && to !== "probing") events.push(`${to} ${error?.code}`);
    });
    db.on("failover", ({ from, to }) => events.push(`failover ${from} ${to}`));
    for (let id = 1; id <= 20; id += 1) {
      expect((await db.query("INSERT INTO t VALUES ($1)", [id])).provider).toBe("good");
    }
    expect(events).toEqual([`${state} ${code}`, "failover bad good"]);
    expect(db.getProviderStats()["bad"]).toMatchObject({ failovers: 1, lastError: { code } });
  },
);
