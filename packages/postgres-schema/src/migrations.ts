/**
 * The tables, as numbered steps: `rivet_store.schema_version` counts those that a schema has. A step that shipped never
 * changes.
 */
import { MESSAGE_TYPES, NIL_ID } from "@rivet/memory-core";
import { NO_OWNER, ownerOfUser, quoteName, tableNames, type TableNames } from "./names.ts";

interface Layout {
  readonly schema: string;
  readonly partitions: number | undefined;
}

type Migration = (layout: Layout) => string[];

const MESSAGE_LIST = MESSAGE_TYPES.map((type) => `'${type}'`).join(", ");

/**
 * Text that is compared or ordered has the collation "C": the order of its bytes, the same on every server, and the
 * cheapest. Session ids come first in every key and there is no sequence, trigger or foreign key: a step towards tables
 * that are distributed by session. It is not enough: on Citus 13.2 a plain save fails.
 */
const createTables: Migration = ({ schema, partitions }) => {
  const names = tableNames(schema);
  return [
    `CREATE TABLE ${names.memories} (
  session_id  text COLLATE "C" NOT NULL,
  id          uuid NOT NULL,
  user_id     text COLLATE "C" NOT NULL,
  memory_type text COLLATE "C" NOT NULL,
  content     jsonb NOT NULL,
  metadata    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
)${partitions === undefined ? "" : " PARTITION BY HASH (session_id)"}`,
    ...createPartitions(schema, names, partitions),
    `CREATE INDEX session_memories_by_user ON ${names.memories} (user_id, memory_type, id)`,
    `-- Session metadata and the user's own atoms, few among many messages: appending a message does not touch this index.
CREATE INDEX session_memories_facts ON ${names.memories} (session_id, memory_type, id)
  WHERE memory_type NOT IN (${MESSAGE_LIST})`,
    `-- A row with atom_count 0 stands for a session without atoms, and is not shown. It keeps deletion_count, which tells an
-- append that a deletion has overtaken it.
CREATE TABLE ${names.heads} (
  session_id     text COLLATE "C" NOT NULL PRIMARY KEY,
  user_id        text COLLATE "C" NOT NULL,
  created_at     timestamptz NOT NULL,
  last_atom_id   uuid NOT NULL,
  message_count  integer NOT NULL,
  atom_count     integer NOT NULL,
  deletion_count integer NOT NULL,
  id_xor         bit(128) NOT NULL,
  history_xor    bit(128) NOT NULL,
  metadata       jsonb NOT NULL, -- the current metadata
  metadata_ids   jsonb NOT NULL  -- for each key, the atom that decided it
)`,
    `CREATE INDEX session_heads_by_user ON ${names.heads} (user_id, last_atom_id DESC)`,
    `-- The nil UUID as id stands for the whole session.
CREATE TABLE ${names.tombstones} (
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
)`,
    `CREATE TABLE ${names.hints} (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  PRIMARY KEY (target, session_id, id)
)`,
    `CREATE TABLE ${names.store} (
  store_uuid     uuid NOT NULL PRIMARY KEY,
  schema_version integer NOT NULL,
  heartbeat      timestamptz NOT NULL
)`,
  ];
};

function createPartitions(schema: string, names: TableNames, partitions: number | undefined): string[] {
  return Array.from({ length: partitions ?? 0 }, (_, remainder) => {
    const partition = `${quoteName(schema)}.${quoteName(`session_memories_${remainder}`)}`;
    return `CREATE TABLE ${partition} PARTITION OF ${names.memories}
  FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`;
  });
}

/** The tables of replication: peers, hints and dead letters of each store. */
const prepareReplication: Migration = ({ schema }) => {
  const { hints, peers, deadLetters, store } = tableNames(schema);
  return [
    `-- Who brings this store's hints to the others at the moment, so that several do not bring the same.
ALTER TABLE ${store} ADD COLUMN drainer uuid, ADD COLUMN drainer_until timestamptz`,
    `-- An atom or a tombstone that a target has not got. The target * stands for every other store. No other state is in a
-- hint: deleting one takes back nothing but itself.
ALTER TABLE ${hints} ADD COLUMN is_tombstone boolean NOT NULL DEFAULT false`,
    `ALTER TABLE ${hints} DROP CONSTRAINT replication_hints_pkey,
  ADD PRIMARY KEY (target, session_id, id, is_tombstone)`,
    `-- What this store knows of another one.
CREATE TABLE ${peers} (
  name         text COLLATE "C" NOT NULL PRIMARY KEY,
  heartbeat    timestamptz, -- the latest that was seen: an earlier one means that the store was restored from a backup
  needs_repair boolean NOT NULL DEFAULT false, -- hints towards it were dropped
  drained_at   timestamptz,
  repaired_at  timestamptz
)`,
    `-- Atoms that a target refuses for good. They stay in this store.
CREATE TABLE ${deadLetters} (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  code       text COLLATE "C" NOT NULL,
  message    text COLLATE "C" NOT NULL,
  failed_at  timestamptz NOT NULL,
  PRIMARY KEY (target, session_id, id)
)`,
  ];
};

/**
 * Less work for each append. PostgreSQL updates a row without touching its indexes (heap-only tuples) as long as no
 * indexed column changes, and `last_atom_id` changes with every save: sessions are indexed by its time in steps of 65.5
 * s instead, and those within a step are sorted as they are read. Ids grow: at the end of an index they cost the least.
 *
 * 64 sessions that save at once take the server 30 µs a turn, where the indexes of the first version took 42 µs.
 */
const makeAppendsCheaper: Migration = ({ schema }) => {
  const { schema: place, memories, heads } = tableNames(schema);
  return [
    `ALTER TABLE ${heads} ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (pg_catalog.left(last_atom_id::pg_catalog.text, 8)) STORED`,
    `-- Room for the next version of a row on its page.
ALTER TABLE ${heads} SET (fillfactor = 70)`,
    `DROP INDEX ${place}.session_heads_by_user`,
    `CREATE INDEX session_heads_by_user ON ${heads} (user_id, recency DESC)`,
    `DROP INDEX ${place}.session_memories_by_user`,
    `CREATE INDEX session_memories_by_user ON ${memories} (user_id, id)`,
    `CREATE INDEX session_memories_facts_by_user ON ${memories} (user_id, memory_type, id)
  WHERE memory_type NOT IN (${MESSAGE_LIST})`,
  ];
};

/** The expiry times of atoms. Few atoms expire, and the index contains only those. */
const letAtomsExpire: Migration = ({ schema }) => {
  const { memories } = tableNames(schema);
  return [
    `ALTER TABLE ${memories} ADD COLUMN expires_at timestamptz`,
    `CREATE INDEX session_memories_expiring ON ${memories} (expires_at, session_id, id) WHERE expires_at IS NOT NULL`,
  ];
};

/**
 * Makes statements write `recency` with each head: PostgreSQL parses and plans the expression of a generated column
 * anew for each statement that writes a row, which took a save of one turn 11 µs of 253, and one through PL/pgSQL 18 µs
 * of 373.
 */
const writeRecency: Migration = ({ schema }) => [
  `ALTER TABLE ${tableNames(schema).heads} ALTER COLUMN recency DROP EXPRESSION`,
];

/**
 * A tombstone concerns the atoms of its owner alone, and says who that is by a hash. Until now it concerned
 * everybody's. Where a row says whose it was (on Supabase the tombstone, else the head of its session), it is that
 * user's from now on; others stay without an owner, and concern everybody. A session that was deleted stays closed to
 * everybody in either case.
 */
const ownTombstones: Migration = ({ schema }) => {
  const { heads, tombstones } = tableNames(schema);
  // The column user_id is there only where the migration of Supabase made it.
  const userOf = `COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, ''))`;
  return [
    `-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE ${tombstones} ADD COLUMN owner bytea NOT NULL DEFAULT ${NO_OWNER}`,
    `UPDATE ${tombstones} AS tombstone SET owner = ${ownerOfUser("known.user_id")}
FROM (
  SELECT buried.session_id, buried.id, ${userOf} AS user_id
  FROM ${tombstones} AS buried LEFT JOIN ${heads} AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL`,
    `ALTER TABLE ${tombstones} ALTER COLUMN owner DROP DEFAULT`,
    `ALTER TABLE ${tombstones} DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner)`,
    `DROP TRIGGER IF EXISTS rivet_own_tombstone ON ${tombstones}`,
    `-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE ${tombstones} DROP COLUMN IF EXISTS user_id CASCADE`,
    `-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE ${heads} ADD COLUMN is_deleted boolean NOT NULL DEFAULT false`,
    `UPDATE ${heads} AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM ${tombstones} AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '${NIL_ID}'
)`,
  ];
};

const MIGRATIONS: readonly Migration[] = [
  createTables,
  prepareReplication,
  makeAppendsCheaper,
  letAtomsExpire,
  writeRecency,
  ownTombstones,
];

/** The version that this package creates and expects. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The statements that bring a schema from a version to {@link SCHEMA_VERSION}, the version itself included. */
export function migrationStatements(layout: Layout, fromVersion: number): string[] {
  if (fromVersion >= SCHEMA_VERSION) return [];
  const { store } = tableNames(layout.schema);
  const stamp =
    fromVersion === 0
      ? `INSERT INTO ${store} (store_uuid, schema_version, heartbeat) VALUES (pg_catalog.gen_random_uuid(), ${SCHEMA_VERSION}, pg_catalog.now())`
      : `UPDATE ${store} SET schema_version = ${SCHEMA_VERSION}`;
  return [...MIGRATIONS.slice(fromVersion).flatMap((migration) => migration(layout)), stamp];
}
