import { startPgBouncer, type PgBouncer, sharedServer } from "@rivet/local-servers";
import { testMemoryStorage, type AnyStorage } from "@rivet/memory-conformance";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, it } from "vitest";

const server = sharedServer({ beforeAll, afterAll });
let pooler: PgBouncer | undefined;
beforeAll(async () => {
  pooler = await startPgBouncer({ target: server(), poolMode: "transaction" });
}, 60_000);
afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
});

interface Variant {
  readonly name: string;
  readonly options: () => PostgresMemoryStorageOptions;
}

const VARIANTS: readonly Variant[] = [
  { name: "PostgresMemoryStorage", options: () => ({ connectionString: server().url() }) },
  {
    name: "PostgresMemoryStorage with hash partitions and one session per statement",
    options: () => ({ connectionString: server().url(), partitions: 4, oneSessionPerStatement: true }),
  },
  {
    name: "PostgresMemoryStorage through PgBouncer in transaction mode",
    options: () => ({ connectionString: `${pooler?.url() ?? ""}?pgbouncer=true` }),
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
      await server().query(`UPDATE "${schema}".session_memories SET content = $1 WHERE session_id = $2 AND id = $3`, [
        text,
        sessionId,
        atomId,
      ]);
      return text;
    },
    destroy: (storage) => server().query(`DROP SCHEMA "${placeOf(storage).schema}" CASCADE`),
  });
}
