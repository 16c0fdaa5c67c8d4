import { startPgBouncer, type PgBouncer, sharedServer } from "@rivet/local-servers";
import { testMemoryStorage, type AnyStorage } from "@rivet/memory-conformance";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, it } from "vitest";
import { isolatedDatabase } from "./isolated-database.ts";

const server = sharedServer({ beforeAll, afterAll });
let pooler: PgBouncer | undefined;
beforeAll(async () => {
  pooler = await startPgBouncer({ target: server(), poolMode: "transaction" });
}, 60_000);
afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
});

/** Databases whose administrator has raised the level of isolation, by the level. */
const raised = new Map<string, string>();
beforeAll(async () => {
  for (const level of ["repeatable read", "serializable"]) raised.set(level, await isolatedDatabase(server(), level));
});

const serializable = (): string => raised.get("serializable") ?? "";
const repeatableRead = (): string => raised.get("repeatable read") ?? "";

interface Variant {
  readonly name: string;
  readonly options: () => PostgresMemoryStorageOptions;
  /** Default: the server's own. */
  readonly database?: () => string;
}

const VARIANTS: readonly Variant[] = [
  { name: "PostgresMemoryStorage", options: () => ({ connectionString: server().url() }) },
  {
    name: "PostgresMemoryStorage with hash partitions and one session per statement, on a database whose default is serializable",
    options: () => ({ connectionString: server().url(serializable()), partitions: 4, oneSessionPerStatement: true }),
    database: serializable,
  },
  {
    name: "PostgresMemoryStorage through PgBouncer in transaction mode, to a database whose default is repeatable read",
    options: () => ({ connectionString: `${pooler?.url(repeatableRead()) ?? ""}?pgbouncer=true` }),
    database: repeatableRead,
  },
];

interface Place {
  readonly variant: Variant;
  readonly schema: string;
}

const places = new WeakMap<AnyStorage, Place>();
let schemas = 0;

function storageAt(place: Place, options?: PostgresMemoryStorageOptions): AnyStorage {
  const storage = new PostgresMemoryStorage({ ...options, ...place.variant.options(), schema: place.schema });
  places.set(storage, place);
  return storage;
}

function placeOf(storage: AnyStorage): Place {
  const place = places.get(storage);
  if (place === undefined) throw new Error("not a storage of this test");
  return place;
}

for (const variant of VARIANTS) {
  testMemoryStorage({
    describe,
    it,
    name: variant.name,
    create: (options) => storageAt({ variant, schema: `memory ${(schemas += 1)}` }, options),
    connect: (storage) => storageAt(placeOf(storage)),
    reopen: async (storage) => {
      await storage.close();
      return storageAt(placeOf(storage));
    },
    // `jsonb` holds no text that is not JSON.
    damage: async (storage, sessionId, atomId) => {
      const text = '{"half": true}';
      const { schema } = placeOf(storage);
      const statement = `UPDATE "${schema}".session_memories SET content = $1 WHERE session_id = $2 AND id = $3`;
      await server().query(statement, [text, sessionId, atomId], variant.database?.());
      return text;
    },
    destroy: (storage) => server().query(`DROP SCHEMA "${placeOf(storage).schema}" CASCADE`, [], variant.database?.()),
  });
}
