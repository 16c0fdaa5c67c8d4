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

const TABLES = ["session_memories", "session_heads", "session_tombstones", "replication_hints"];

const places = new WeakMap<AnyStorage, Place>();
/**
 * Emptied schemas, which the next cases of the same variant use again: to create the tables takes longer than most
 * cases.
 */
const free = new Map<Variant, string[]>(VARIANTS.map((variant) => [variant, []]));
let schemas = 0;

function freeSchema(variant: Variant): string {
  return free.get(variant)?.pop() ?? `memory ${(schemas += 1)}`;
}

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
    create: (options) => storageAt({ variant, schema: freeSchema(variant) }, options),
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
    destroy: async (storage) => {
      const { schema } = placeOf(storage);
      const deletions = TABLES.map((table) => `DELETE FROM "${schema}".${table}`).join("; ");
      await server().query(deletions, [], variant.database?.());
      free.get(variant)?.push(schema);
    },
  });
}
