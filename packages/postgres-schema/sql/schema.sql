-- The tables of Rivet Memory, as @rivet/postgres-schema makes them. Apply it once, for example with
--   psql "$DATABASE_URL" --set ON_ERROR_STOP=1 --file schema.sql
-- and open the storage with migrate: false. For another schema or hash partitions, use schemaStatements().

BEGIN;

CREATE SCHEMA IF NOT EXISTS "public";

CREATE TABLE "public"."session_memories" (
  session_id  text COLLATE "C" NOT NULL,
  id          uuid NOT NULL,
  user_id     text COLLATE "C" NOT NULL,
  memory_type text COLLATE "C" NOT NULL,
  content     jsonb NOT NULL,
  metadata    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
);

CREATE INDEX session_memories_by_user ON "public"."session_memories" (user_id, memory_type, id);

-- Session metadata and the user's own atoms, few among many messages: appending a message does not touch this index.
CREATE INDEX session_memories_facts ON "public"."session_memories" (session_id, memory_type, id)
  WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

-- A row with atom_count 0 stands for a session without atoms, and is not shown. It keeps deletion_count, which tells an
-- append that a deletion has overtaken it.
CREATE TABLE "public"."session_heads" (
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
);

CREATE INDEX session_heads_by_user ON "public"."session_heads" (user_id, last_atom_id DESC);

-- The nil UUID as id stands for the whole session.
CREATE TABLE "public"."session_tombstones" (
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
);

CREATE TABLE "public"."replication_hints" (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  PRIMARY KEY (target, session_id, id)
);

CREATE TABLE "public"."rivet_store" (
  store_uuid     uuid NOT NULL PRIMARY KEY,
  schema_version integer NOT NULL,
  heartbeat      timestamptz NOT NULL
);

-- Who brings this store's hints to the others at the moment, so that several do not bring the same.
ALTER TABLE "public"."rivet_store" ADD COLUMN drainer uuid, ADD COLUMN drainer_until timestamptz;

-- An atom or a tombstone that a target has not got. The target * stands for every other store. No other state is in a
-- hint: deleting one takes back nothing but itself.
ALTER TABLE "public"."replication_hints" ADD COLUMN is_tombstone boolean NOT NULL DEFAULT false;

ALTER TABLE "public"."replication_hints" DROP CONSTRAINT replication_hints_pkey,
  ADD PRIMARY KEY (target, session_id, id, is_tombstone);

-- What this store knows of another one.
CREATE TABLE "public"."replication_peers" (
  name         text COLLATE "C" NOT NULL PRIMARY KEY,
  heartbeat    timestamptz, -- the latest that was seen: an earlier one means that the store was restored from a backup
  needs_repair boolean NOT NULL DEFAULT false, -- hints towards it were dropped
  drained_at   timestamptz,
  repaired_at  timestamptz
);

-- Atoms that a target refuses for good. They stay in this store.
CREATE TABLE "public"."replication_dead_letters" (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  code       text COLLATE "C" NOT NULL,
  message    text COLLATE "C" NOT NULL,
  failed_at  timestamptz NOT NULL,
  PRIMARY KEY (target, session_id, id)
);

ALTER TABLE "public"."session_heads" ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (pg_catalog.left(last_atom_id::pg_catalog.text, 8)) STORED;

-- Room for the next version of a row on its page.
ALTER TABLE "public"."session_heads" SET (fillfactor = 70);

DROP INDEX "public".session_heads_by_user;

CREATE INDEX session_heads_by_user ON "public"."session_heads" (user_id, recency DESC);

DROP INDEX "public".session_memories_by_user;

CREATE INDEX session_memories_by_user ON "public"."session_memories" (user_id, id);

CREATE INDEX session_memories_facts_by_user ON "public"."session_memories" (user_id, memory_type, id)
  WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

ALTER TABLE "public"."session_memories" ADD COLUMN expires_at timestamptz;

CREATE INDEX session_memories_expiring ON "public"."session_memories" (expires_at, session_id, id) WHERE expires_at IS NOT NULL;

ALTER TABLE "public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "public"."session_tombstones" AS buried LEFT JOIN "public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

INSERT INTO "public"."rivet_store" (store_uuid, schema_version, heartbeat) VALUES (pg_catalog.gen_random_uuid(), 6, pg_catalog.now());

COMMIT;
