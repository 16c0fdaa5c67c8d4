-- Rivet Memory in a Supabase project, as @rivet/memory-supabase makes it. It may be applied again.

-- The tables are in a schema that the API does not show: a request reaches them through the functions alone.
DO $rivet$
DECLARE
  process record;
  moved record;
BEGIN
-- Processes that open a direct connection take the same lock when they create tables.
PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rivet-memory public', 0));
IF pg_catalog.to_regnamespace('"public"') IS NULL THEN
CREATE SCHEMA "public";
END IF;
IF pg_catalog.to_regnamespace('"rivet_public"') IS NULL THEN
CREATE SCHEMA IF NOT EXISTS "rivet_public";
END IF;

IF EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('"public"."rivet_store"')::oid AND relkind <> 'v') THEN
  IF pg_catalog.to_regclass('"rivet_public"."rivet_store"') IS NOT NULL THEN
    RAISE EXCEPTION 'both schema public and schema rivet_public have tables of Rivet Memory'
      USING HINT = 'Bring the rows of the one to the other, for example with rivet-memory copy, and drop it.';
  END IF;
  RAISE NOTICE 'The tables of Rivet Memory move from schema public to schema rivet_public. A process that works on them at the moment gets the error schema until it is started again with this version of Rivet Memory. Connected now:';
  FOR process IN
    SELECT pid, COALESCE(usename::text, '?') AS role, COALESCE(NULLIF(application_name, ''), '?') AS application,
      COALESCE(client_addr::text, '?') AS address
    FROM pg_catalog.pg_stat_activity
    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
      AND COALESCE(backend_type, 'client backend') = 'client backend'
    ORDER BY pid
  LOOP
    RAISE NOTICE 'process %, role %, application %, address %', process.pid, process.role, process.application, process.address;
  END LOOP;
  FOR moved IN
    SELECT inhrelid::pg_catalog.regclass AS name FROM pg_catalog.pg_inherits
    WHERE inhparent = pg_catalog.to_regclass('"public"."session_memories"')::oid
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s SET SCHEMA "rivet_public"', moved.name);
  END LOOP;
  ALTER TABLE "public"."session_memories" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."session_heads" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."session_tombstones" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."replication_hints" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."replication_peers" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."replication_dead_letters" SET SCHEMA "rivet_public";
  ALTER TABLE "public"."rivet_store" SET SCHEMA "rivet_public";
  FOR moved IN
    SELECT DISTINCT rolname AS name FROM pg_catalog.pg_class CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
      JOIN pg_catalog.pg_roles ON pg_roles.oid = grantee
    WHERE relnamespace = pg_catalog.to_regnamespace('"rivet_public"')::oid AND rolname NOT IN ('anon', 'authenticated')
  LOOP
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA "rivet_public" TO %I', moved.name);
  END LOOP;
ELSIF EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('"public"."session_memories"')::oid AND relkind <> 'v') THEN
  RAISE EXCEPTION 'schema public has a table session_memories that is not this version''s'
    USING HINT = 'A table of the Python original is adopted by: rivet-memory migrate postgres://… Run that, and apply this file again. A table of another application stays where it is: choose another schema.';
END IF;
IF pg_catalog.to_regclass('"rivet_public"."rivet_store"') IS NULL THEN

CREATE TABLE "rivet_public"."session_memories" (
  session_id  text COLLATE "C" NOT NULL,
  id          uuid NOT NULL,
  user_id     text COLLATE "C" NOT NULL,
  memory_type text COLLATE "C" NOT NULL,
  content     jsonb NOT NULL,
  metadata    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
);

CREATE INDEX session_memories_by_user ON "rivet_public"."session_memories" (user_id, memory_type, id);

-- Session metadata and the user's own atoms, few among many messages: appending a message does not touch this index.
CREATE INDEX session_memories_facts ON "rivet_public"."session_memories" (session_id, memory_type, id)
  WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

-- A row with atom_count 0 stands for a session without atoms, and is not shown. It keeps deletion_count, which tells an
-- append that a deletion has overtaken it.
CREATE TABLE "rivet_public"."session_heads" (
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

CREATE INDEX session_heads_by_user ON "rivet_public"."session_heads" (user_id, last_atom_id DESC);

-- The nil UUID as id stands for the whole session.
CREATE TABLE "rivet_public"."session_tombstones" (
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (session_id, id)
);

CREATE TABLE "rivet_public"."replication_hints" (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  PRIMARY KEY (target, session_id, id)
);

CREATE TABLE "rivet_public"."rivet_store" (
  store_uuid     uuid NOT NULL PRIMARY KEY,
  schema_version integer NOT NULL,
  heartbeat      timestamptz NOT NULL
);

-- Who brings this store's hints to the others at the moment, so that several do not bring the same.
ALTER TABLE "rivet_public"."rivet_store" ADD COLUMN drainer uuid, ADD COLUMN drainer_until timestamptz;

-- An atom or a tombstone that a target has not got. The target * stands for every other store. No other state is in a
-- hint: deleting one takes back nothing but itself.
ALTER TABLE "rivet_public"."replication_hints" ADD COLUMN is_tombstone boolean NOT NULL DEFAULT false;

ALTER TABLE "rivet_public"."replication_hints" DROP CONSTRAINT replication_hints_pkey,
  ADD PRIMARY KEY (target, session_id, id, is_tombstone);

-- What this store knows of another one.
CREATE TABLE "rivet_public"."replication_peers" (
  name         text COLLATE "C" NOT NULL PRIMARY KEY,
  heartbeat    timestamptz, -- the latest that was seen: an earlier one means that the store was restored from a backup
  needs_repair boolean NOT NULL DEFAULT false, -- hints towards it were dropped
  drained_at   timestamptz,
  repaired_at  timestamptz
);

-- Atoms that a target refuses for good. They stay in this store.
CREATE TABLE "rivet_public"."replication_dead_letters" (
  target     text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  id         uuid NOT NULL,
  code       text COLLATE "C" NOT NULL,
  message    text COLLATE "C" NOT NULL,
  failed_at  timestamptz NOT NULL,
  PRIMARY KEY (target, session_id, id)
);

ALTER TABLE "rivet_public"."session_heads" ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (pg_catalog.left(last_atom_id::pg_catalog.text, 8)) STORED;

-- Room for the next version of a row on its page.
ALTER TABLE "rivet_public"."session_heads" SET (fillfactor = 70);

DROP INDEX "rivet_public".session_heads_by_user;

CREATE INDEX session_heads_by_user ON "rivet_public"."session_heads" (user_id, recency DESC);

DROP INDEX "rivet_public".session_memories_by_user;

CREATE INDEX session_memories_by_user ON "rivet_public"."session_memories" (user_id, id);

CREATE INDEX session_memories_facts_by_user ON "rivet_public"."session_memories" (user_id, memory_type, id)
  WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

ALTER TABLE "rivet_public"."session_memories" ADD COLUMN expires_at timestamptz;

CREATE INDEX session_memories_expiring ON "rivet_public"."session_memories" (expires_at, session_id, id) WHERE expires_at IS NOT NULL;

ALTER TABLE "rivet_public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "rivet_public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "rivet_public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "rivet_public"."session_tombstones" AS buried LEFT JOIN "rivet_public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "rivet_public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "rivet_public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "rivet_public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "rivet_public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "rivet_public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "rivet_public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "rivet_public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

INSERT INTO "rivet_public"."rivet_store" (store_uuid, schema_version, heartbeat) VALUES (pg_catalog.gen_random_uuid(), 6, pg_catalog.now());

ELSIF (SELECT schema_version FROM "rivet_public"."rivet_store") = 2 THEN

ALTER TABLE "rivet_public"."session_heads" ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (pg_catalog.left(last_atom_id::pg_catalog.text, 8)) STORED;

-- Room for the next version of a row on its page.
ALTER TABLE "rivet_public"."session_heads" SET (fillfactor = 70);

DROP INDEX "rivet_public".session_heads_by_user;

CREATE INDEX session_heads_by_user ON "rivet_public"."session_heads" (user_id, recency DESC);

DROP INDEX "rivet_public".session_memories_by_user;

CREATE INDEX session_memories_by_user ON "rivet_public"."session_memories" (user_id, id);

CREATE INDEX session_memories_facts_by_user ON "rivet_public"."session_memories" (user_id, memory_type, id)
  WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

ALTER TABLE "rivet_public"."session_memories" ADD COLUMN expires_at timestamptz;

CREATE INDEX session_memories_expiring ON "rivet_public"."session_memories" (expires_at, session_id, id) WHERE expires_at IS NOT NULL;

ALTER TABLE "rivet_public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "rivet_public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "rivet_public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "rivet_public"."session_tombstones" AS buried LEFT JOIN "rivet_public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "rivet_public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "rivet_public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "rivet_public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "rivet_public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "rivet_public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "rivet_public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "rivet_public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

UPDATE "rivet_public"."rivet_store" SET schema_version = 6;

ELSIF (SELECT schema_version FROM "rivet_public"."rivet_store") = 3 THEN

ALTER TABLE "rivet_public"."session_memories" ADD COLUMN expires_at timestamptz;

CREATE INDEX session_memories_expiring ON "rivet_public"."session_memories" (expires_at, session_id, id) WHERE expires_at IS NOT NULL;

ALTER TABLE "rivet_public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "rivet_public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "rivet_public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "rivet_public"."session_tombstones" AS buried LEFT JOIN "rivet_public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "rivet_public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "rivet_public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "rivet_public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "rivet_public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "rivet_public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "rivet_public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "rivet_public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

UPDATE "rivet_public"."rivet_store" SET schema_version = 6;

ELSIF (SELECT schema_version FROM "rivet_public"."rivet_store") = 4 THEN

ALTER TABLE "rivet_public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "rivet_public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "rivet_public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "rivet_public"."session_tombstones" AS buried LEFT JOIN "rivet_public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "rivet_public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "rivet_public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "rivet_public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "rivet_public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "rivet_public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "rivet_public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "rivet_public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

UPDATE "rivet_public"."rivet_store" SET schema_version = 6;

ELSIF (SELECT schema_version FROM "rivet_public"."rivet_store") = 5 THEN

-- The SHA-256 of the user id; no bytes when nobody knows it any more.
ALTER TABLE "rivet_public"."session_tombstones" ADD COLUMN owner bytea NOT NULL DEFAULT ''::pg_catalog.bytea;

UPDATE "rivet_public"."session_tombstones" AS tombstone SET owner = pg_catalog.sha256(pg_catalog.convert_to(known.user_id, 'UTF8'))
FROM (
  SELECT buried.session_id, buried.id, COALESCE(pg_catalog.to_jsonb(buried) OPERATOR(pg_catalog.->>) 'user_id'::pg_catalog.text, NULLIF(head.user_id, '')) AS user_id
  FROM "rivet_public"."session_tombstones" AS buried LEFT JOIN "rivet_public"."session_heads" AS head ON head.session_id = buried.session_id
) AS known
WHERE tombstone.session_id = known.session_id AND tombstone.id = known.id AND known.user_id IS NOT NULL;

ALTER TABLE "rivet_public"."session_tombstones" ALTER COLUMN owner DROP DEFAULT;

ALTER TABLE "rivet_public"."session_tombstones" DROP CONSTRAINT session_tombstones_pkey, ADD PRIMARY KEY (session_id, id, owner);

DROP TRIGGER IF EXISTS rivet_own_tombstone ON "rivet_public"."session_tombstones";

-- With it go the policies that compare it; the migration of Supabase makes those that compare the owner.
ALTER TABLE "rivet_public"."session_tombstones" DROP COLUMN IF EXISTS user_id CASCADE;

-- Of a head with atom_count 0: whether the session was deleted, and belongs to nobody any more. One that was only emptied keeps
-- its user_id.
ALTER TABLE "rivet_public"."session_heads" ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;

UPDATE "rivet_public"."session_heads" AS head SET is_deleted = true
WHERE head.atom_count = 0 AND EXISTS (
  SELECT FROM "rivet_public"."session_tombstones" AS tombstone WHERE tombstone.session_id = head.session_id AND tombstone.id = '00000000-0000-0000-0000-000000000000'
);

UPDATE "rivet_public"."rivet_store" SET schema_version = 6;

ELSIF (SELECT schema_version FROM "rivet_public"."rivet_store") <> 6 THEN
  RAISE EXCEPTION 'the tables of Rivet Memory have version %, and this file is for version 6',
    (SELECT schema_version FROM "rivet_public"."rivet_store")
    USING HINT = 'Apply the file of the version of @rivet/memory-supabase that is installed.';
END IF;
END $rivet$;

-- The tables are elsewhere: versions that look for them here ask for an upgrade, and create none.
CREATE OR REPLACE VIEW "public"."rivet_store" AS SELECT 2147483647 AS schema_version;

REVOKE ALL ON "public"."rivet_store" FROM PUBLIC, anon, authenticated, service_role;

-- Says why an id may not enter.
CREATE OR REPLACE FUNCTION "public".rivet_refuse_id(session_id text, id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
BEGIN
  RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'the id may not enter', DETAIL = pg_catalog.json_build_object('sessionId', session_id, 'id', id, 'nowMs', (pg_catalog.date_part('epoch', pg_catalog.now()) * 1000::double precision)::bigint)::text;
END
$rivet$;

-- Refuses a row of which a name or a time is out of bounds.
CREATE OR REPLACE FUNCTION "public".rivet_refuse_row(session_id text, id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RM009', MESSAGE = 'a name or a time of the atom is out of bounds', DETAIL = pg_catalog.json_build_object('sessionId', pg_catalog.left(session_id, 64), 'id', id)::text;
END
$rivet$;

-- Refuses text with an escape that no string is stored with: it would be read as the text of another string.
CREATE OR REPLACE FUNCTION "public".rivet_refuse_forged(atoms json, saved_session json, tombstones json) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  refused record;
BEGIN
  SELECT session_id, id INTO refused FROM (
    SELECT COALESCE(session_id, saved_id) AS session_id, id
    FROM pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
    WHERE session_id ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}' OR user_id ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}' OR memory_type ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}'
      OR pg_catalog.replace(content::jsonb::text, '\\', '~') ~ '\\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\\u0010d[89ab][0-9a-f]{2}\\u0010d[c-f][0-9a-f]{2}' OR pg_catalog.replace(metadata::jsonb::text, '\\', '~') ~ '\\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\\u0010d[89ab][0-9a-f]{2}\\u0010d[c-f][0-9a-f]{2}'
    UNION ALL
    SELECT session_id, id FROM pg_catalog.json_to_recordset(tombstones) AS given (session_id text, id uuid) WHERE session_id ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}'
    UNION ALL
    SELECT saved_id, NULL WHERE saved_id ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}' OR saved_session ->> 'userId' ~ '\u0010(?!(?:0000|0010|d[89a-f][0-9a-f]{2}))|\u0010d[89ab][0-9a-f]{2}\u0010d[c-f][0-9a-f]{2}'
  ) AS forged LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RM007', MESSAGE = 'the text holds an escape that no string is stored with', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id, 'id', refused.id)::text;
  END IF;
END
$rivet$;

-- Refuses an atom that is larger or nested deeper than a reader takes: brackets in a string count for no level.
CREATE OR REPLACE FUNCTION "public".rivet_refuse_outsized(atoms json, saved_session json) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  refused record;
BEGIN
  SELECT COALESCE(session_id, saved_id) AS session_id, id INTO refused FROM pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
  WHERE pg_catalog.octet_length(content) + pg_catalog.octet_length(metadata) > 16777216
      OR CASE WHEN pg_catalog.octet_length(content) <= 2000 OR pg_catalog.octet_length(content) - pg_catalog.octet_length(pg_catalog.replace(pg_catalog.replace(content, '[', ''), '{', '')) <= 1000 THEN false
        ELSE pg_catalog.jsonb_path_exists(content::jsonb, CASE WHEN memory_type = 'session_metadata' THEN 'strict $.**{1002} ? (@.type() == "array" || @.type() == "object")'::jsonpath ELSE 'strict $.**{1000} ? (@.type() == "array" || @.type() == "object")'::jsonpath END) END OR CASE WHEN pg_catalog.octet_length(metadata) <= 2000 OR pg_catalog.octet_length(metadata) - pg_catalog.octet_length(pg_catalog.replace(pg_catalog.replace(metadata, '[', ''), '{', '')) <= 1000 THEN false
        ELSE pg_catalog.jsonb_path_exists(metadata::jsonb, 'strict $.**{1000} ? (@.type() == "array" || @.type() == "object")'::jsonpath) END LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RM009', MESSAGE = 'the JSON of the atom is out of bounds', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id, 'id', refused.id)::text;
  END IF;
EXCEPTION WHEN statement_too_complex THEN
  -- So deep that PostgreSQL cannot parse it.
  RAISE EXCEPTION USING ERRCODE = 'RM009', MESSAGE = 'the JSON of an atom is out of bounds', DETAIL = pg_catalog.json_build_object('sessionId', saved_id)::text;
END
$rivet$;

-- Refuses a change of metadata that an id overrules which is ahead of the clock.
CREATE OR REPLACE FUNCTION "public".rivet_refuse_overruled(session_ids text[], atom_ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  latest constant text := pg_catalog.lpad(pg_catalog.to_hex((pg_catalog.date_part('epoch', pg_catalog.now()) * 1000::double precision)::bigint + 86400000::bigint), 12, '0');
  last_id constant text := pg_catalog.left(latest, 8) || '-' || pg_catalog.right(latest, 4) || '-ffff-ffff-ffffffffffff';
  refused record;
BEGIN
  SELECT session_id, key, (head.metadata_ids ->> key) COLLATE "C" AS id INTO refused
  FROM "rivet_public"."session_memories" AS atom JOIN "rivet_public"."session_heads" AS head USING (session_id)
  CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_object_keys(CASE WHEN pg_catalog.jsonb_typeof(content -> 'set') = 'object' THEN content -> 'set' END)
    UNION ALL
    SELECT pg_catalog.jsonb_array_elements_text(CASE WHEN pg_catalog.jsonb_typeof(content -> 'removed') = 'array' THEN content -> 'removed' END)
  ) AS changed (key)
  WHERE session_id = ANY (session_ids) AND memory_type = 'session_metadata' AND memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND atom.id = ANY (atom_ids)
    AND (head.metadata_ids ->> key) COLLATE "C" > last_id AND (head.metadata_ids ->> key) COLLATE "C" > atom.id::text
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RM006', MESSAGE = 'the metadata was set under an id ahead of the clock', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id, 'id', refused.id, 'key', refused.key, 'nowMs', (pg_catalog.date_part('epoch', pg_catalog.now()) * 1000::double precision)::bigint)::text;
  END IF;
END
$rivet$;

CREATE INDEX IF NOT EXISTS session_tombstones_by_owner ON "rivet_public"."session_tombstones" (owner, session_id, id);

-- They looked past the policies, and are needed no more.
DROP FUNCTION IF EXISTS "public".rivet_own_tombstone();

DROP FUNCTION IF EXISTS "public".rivet_deleted_sessions(text[]);

ALTER TABLE "rivet_public"."session_memories" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."session_heads" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."session_tombstones" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."replication_hints" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."replication_peers" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."replication_dead_letters" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "rivet_public"."rivet_store" ENABLE ROW LEVEL SECURITY;

-- A new project opens every table to everyone by default.
REVOKE ALL ON "rivet_public"."session_memories", "rivet_public"."session_heads", "rivet_public"."session_tombstones", "rivet_public"."replication_hints", "rivet_public"."replication_peers", "rivet_public"."replication_dead_letters", "rivet_public"."rivet_store" FROM anon, authenticated, PUBLIC;

GRANT ALL ON "rivet_public"."session_memories", "rivet_public"."session_heads", "rivet_public"."session_tombstones", "rivet_public"."replication_hints", "rivet_public"."replication_peers", "rivet_public"."replication_dead_letters", "rivet_public"."rivet_store" TO service_role;

REVOKE ALL ON SCHEMA "rivet_public" FROM PUBLIC, anon;

GRANT USAGE ON SCHEMA "public", "rivet_public" TO authenticated, service_role;

GRANT SELECT, INSERT, DELETE ON "rivet_public"."session_memories" TO authenticated;

GRANT SELECT, INSERT, UPDATE ON "rivet_public"."session_heads" TO authenticated;

GRANT SELECT, INSERT, DELETE ON "rivet_public"."session_tombstones" TO authenticated;

GRANT INSERT ON "rivet_public"."replication_hints" TO authenticated;

GRANT SELECT ON "rivet_public"."replication_peers" TO authenticated;

DROP POLICY IF EXISTS rivet_own_select ON "rivet_public"."session_memories";

CREATE POLICY rivet_own_select ON "rivet_public"."session_memories" FOR SELECT TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_insert ON "rivet_public"."session_memories";

CREATE POLICY rivet_own_insert ON "rivet_public"."session_memories" FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_delete ON "rivet_public"."session_memories";

CREATE POLICY rivet_own_delete ON "rivet_public"."session_memories" FOR DELETE TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_function_insert ON "rivet_public"."session_memories";

CREATE POLICY rivet_function_insert ON "rivet_public"."session_memories" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_delete ON "rivet_public"."session_memories";

CREATE POLICY rivet_function_delete ON "rivet_public"."session_memories" AS RESTRICTIVE FOR DELETE TO authenticated
  USING ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_id_insert ON "rivet_public"."session_memories";

CREATE POLICY rivet_id_insert ON "rivet_public"."session_memories" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK (CASE WHEN id::text ~ '^.{14}7.{4}[89ab]'
    AND ('x' || pg_catalog.left(pg_catalog.replace(id::text, '-', ''), 12))::bit(48)::bigint <= (pg_catalog.date_part('epoch', pg_catalog.now()) * 1000::double precision)::bigint + 86400000::bigint THEN true ELSE "public".rivet_refuse_id(session_id, id) END);

DROP POLICY IF EXISTS rivet_bounds_insert ON "rivet_public"."session_memories";

CREATE POLICY rivet_bounds_insert ON "rivet_public"."session_memories" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK (CASE WHEN CASE
      WHEN pg_catalog.strpos(session_id, pg_catalog.chr(16)) > 0 AND session_id ~ '\u00100000' THEN false
      WHEN pg_catalog.char_length(session_id) BETWEEN 1 AND 256 THEN true
      WHEN pg_catalog.char_length(session_id) BETWEEN 1 AND 2560 THEN pg_catalog.char_length(pg_catalog.regexp_replace(session_id, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g')) + pg_catalog.char_length(pg_catalog.regexp_replace(pg_catalog.regexp_replace(session_id, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g'), '[^\U00010000-\U0010FFFF]', '', 'g')) <= 512
      ELSE false
    END
    AND CASE
      WHEN pg_catalog.strpos(user_id, pg_catalog.chr(16)) > 0 AND user_id ~ '\u00100000' THEN false
      WHEN pg_catalog.char_length(user_id) BETWEEN 1 AND 256 THEN true
      WHEN pg_catalog.char_length(user_id) BETWEEN 1 AND 2560 THEN pg_catalog.char_length(pg_catalog.regexp_replace(user_id, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g')) + pg_catalog.char_length(pg_catalog.regexp_replace(pg_catalog.regexp_replace(user_id, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g'), '[^\U00010000-\U0010FFFF]', '', 'g')) <= 512
      ELSE false
    END
    AND CASE
      WHEN pg_catalog.strpos(memory_type, pg_catalog.chr(16)) > 0 AND memory_type ~ '\u00100000' THEN false
      WHEN pg_catalog.char_length(memory_type) BETWEEN 1 AND 256 THEN true
      WHEN pg_catalog.char_length(memory_type) BETWEEN 1 AND 2560 THEN pg_catalog.char_length(pg_catalog.regexp_replace(memory_type, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g')) + pg_catalog.char_length(pg_catalog.regexp_replace(pg_catalog.regexp_replace(memory_type, '\u0010(?:0000|0010|d[89a-f][0-9a-f]{2})', 'x', 'g'), '[^\U00010000-\U0010FFFF]', '', 'g')) <= 512
      ELSE false
    END
    AND created_at <= timestamptz '275760-09-13 00:00:00+00'
    AND (expires_at IS NULL OR expires_at <= timestamptz '275760-09-13 00:00:00+00') THEN true ELSE "public".rivet_refuse_row(session_id, id) END);

DROP POLICY IF EXISTS rivet_own_select ON "rivet_public"."session_heads";

CREATE POLICY rivet_own_select ON "rivet_public"."session_heads" FOR SELECT TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_insert ON "rivet_public"."session_heads";

CREATE POLICY rivet_own_insert ON "rivet_public"."session_heads" FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_update ON "rivet_public"."session_heads";

CREATE POLICY rivet_own_update ON "rivet_public"."session_heads" FOR UPDATE TO authenticated
  USING ((SELECT auth.uid())::text = user_id)
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_free_select ON "rivet_public"."session_heads";

CREATE POLICY rivet_free_select ON "rivet_public"."session_heads" FOR SELECT TO authenticated
  USING (user_id = (SELECT CASE WHEN pg_catalog.current_setting('rivet_memory.writing', true) = 'yes' THEN '' END));

DROP POLICY IF EXISTS rivet_free_insert ON "rivet_public"."session_heads";

CREATE POLICY rivet_free_insert ON "rivet_public"."session_heads" FOR INSERT TO authenticated
  WITH CHECK (user_id = '');

DROP POLICY IF EXISTS rivet_free_update ON "rivet_public"."session_heads";

CREATE POLICY rivet_free_update ON "rivet_public"."session_heads" FOR UPDATE TO authenticated
  USING (user_id = '')
  WITH CHECK (user_id = '');

DROP POLICY IF EXISTS rivet_function_insert ON "rivet_public"."session_heads";

CREATE POLICY rivet_function_insert ON "rivet_public"."session_heads" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_update ON "rivet_public"."session_heads";

CREATE POLICY rivet_function_update ON "rivet_public"."session_heads" AS RESTRICTIVE FOR UPDATE TO authenticated
  USING ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'))
  WITH CHECK ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_own_select ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_own_select ON "rivet_public"."session_tombstones" FOR SELECT TO authenticated
  USING (owner = (SELECT pg_catalog.sha256(pg_catalog.convert_to(auth.uid()::text, 'UTF8'))));

DROP POLICY IF EXISTS rivet_own_insert ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_own_insert ON "rivet_public"."session_tombstones" FOR INSERT TO authenticated
  WITH CHECK (owner = (SELECT pg_catalog.sha256(pg_catalog.convert_to(auth.uid()::text, 'UTF8'))));

DROP POLICY IF EXISTS rivet_own_delete ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_own_delete ON "rivet_public"."session_tombstones" FOR DELETE TO authenticated
  USING (owner = (SELECT pg_catalog.sha256(pg_catalog.convert_to(auth.uid()::text, 'UTF8'))));

DROP POLICY IF EXISTS rivet_free_select ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_free_select ON "rivet_public"."session_tombstones" FOR SELECT TO authenticated
  USING (owner = (SELECT CASE WHEN pg_catalog.current_setting('rivet_memory.writing', true) = 'yes' THEN ''::pg_catalog.bytea END));

DROP POLICY IF EXISTS rivet_function_insert ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_function_insert ON "rivet_public"."session_tombstones" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_delete ON "rivet_public"."session_tombstones";

CREATE POLICY rivet_function_delete ON "rivet_public"."session_tombstones" AS RESTRICTIVE FOR DELETE TO authenticated
  USING ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_insert ON "rivet_public"."replication_hints";

CREATE POLICY rivet_function_insert ON "rivet_public"."replication_hints" FOR INSERT TO authenticated
  WITH CHECK ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_select ON "rivet_public"."replication_peers";

CREATE POLICY rivet_function_select ON "rivet_public"."replication_peers" FOR SELECT TO authenticated
  USING ((SELECT pg_catalog.current_setting('rivet_memory.writing', true) = 'yes'));

-- Locks the heads of sessions, those too that are not there yet, in the order in which everybody does. Gives those that
-- the caller may write to.
CREATE OR REPLACE FUNCTION "public".rivet_lock_heads(session_ids text[]) RETURNS text[]
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  locked text[] := ARRAY(
    SELECT session_id FROM "rivet_public"."session_heads" WHERE session_id = ANY (session_ids) ORDER BY session_id FOR UPDATE
  );
BEGIN
  IF pg_catalog.cardinality(locked) = pg_catalog.cardinality(session_ids) THEN
    RETURN locked;
  END IF;
  INSERT INTO "rivet_public"."session_heads" (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
    id_xor, history_xor, metadata, metadata_ids)
  SELECT session_id, '', pg_catalog.now(), '00000000-0000-0000-0000-000000000000'::uuid, pg_catalog.left('00000000-0000-0000-0000-000000000000'::uuid::pg_catalog.text, 8), 0, 0, 0, B'0'::bit(128), B'0'::bit(128), '{}', '{}'
  FROM pg_catalog.unnest(session_ids) AS given (session_id) ORDER BY session_id COLLATE "C"
  ON CONFLICT DO NOTHING;
  RETURN ARRAY(
    SELECT session_id FROM "rivet_public"."session_heads" WHERE session_id = ANY (session_ids) ORDER BY session_id FOR UPDATE
  );
END
$rivet$;

-- Folds changes of session metadata, those of the ids or all, into the heads: for each key the greatest id wins.
CREATE OR REPLACE FUNCTION "public".rivet_apply_metadata(session_ids text[], atom_ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  outsized text;
BEGIN
  UPDATE "rivet_public"."session_heads" AS head SET
    metadata = (head.metadata - folded.keys) || folded.entries,
    metadata_ids = head.metadata_ids || folded.ids
  FROM (
    SELECT session_id, pg_catalog.array_agg(key) AS keys, pg_catalog.jsonb_object_agg(key, id) AS ids,
      COALESCE(pg_catalog.jsonb_object_agg(key, value) FILTER (WHERE is_set), '{}') AS entries
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, id, value, is_set
      FROM (
        -- A damaged change decides nothing.
        SELECT session_id, id, CASE WHEN pg_catalog.jsonb_typeof(content -> 'set') = 'object'
          AND pg_catalog.jsonb_typeof(content -> 'removed') = 'array'
          AND NOT pg_catalog.jsonb_path_exists(content, '$.removed[*] ? (@.type() != "string")') THEN content END AS content
        FROM "rivet_public"."session_memories"
        WHERE session_id = ANY (session_ids) AND memory_type = 'session_metadata' AND memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool')
          AND (atom_ids IS NULL OR id = ANY (atom_ids))
      ) AS change
      CROSS JOIN LATERAL (
        SELECT key, value, true AS is_set FROM pg_catalog.jsonb_each(content -> 'set')
        UNION ALL
        SELECT key, NULL, false FROM pg_catalog.jsonb_array_elements_text(content -> 'removed') AS removed (key)
      ) AS entry
      ORDER BY session_id, key, id DESC, is_set DESC
    ) AS winner
    JOIN "rivet_public"."session_heads" AS head USING (session_id)
    WHERE id::text COLLATE "C" >= COALESCE(head.metadata_ids ->> key, '')
    GROUP BY session_id
  ) AS folded
  WHERE head.session_id = folded.session_id;
  -- Every list of sessions reads it.
  SELECT session_id INTO outsized FROM "rivet_public"."session_heads" WHERE session_id = ANY (session_ids) AND pg_catalog.octet_length(metadata::text) > 16777216 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RM009', MESSAGE = 'the metadata of the session are out of bounds', DETAIL = pg_catalog.json_build_object('sessionId', outsized)::text;
  END IF;
END
$rivet$;

DROP FUNCTION IF EXISTS "public".rivet_bury_atoms(text, uuid[], timestamptz[]);

-- Deletes atoms of a session whose head is locked, leaves a tombstone of the owner for each id, there or not, and writes the head
-- that follows. Gives how many were there.
CREATE OR REPLACE FUNCTION "public".rivet_bury_atoms(given_session_id text, ids uuid[], times timestamptz[], given_owner bytea) RETURNS integer
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  gone record;
  last_id uuid;
BEGIN
  WITH buried AS (
    INSERT INTO "rivet_public"."session_tombstones" (session_id, id, owner, deleted_at)
    SELECT given_session_id, id, given_owner, COALESCE(deleted_at, pg_catalog.now())
    FROM ROWS FROM (pg_catalog.unnest(ids), pg_catalog.unnest(times)) AS given (id, deleted_at)
    ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM buried WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING
  ), deleted AS (
    DELETE FROM "rivet_public"."session_memories" WHERE session_id = given_session_id AND id = ANY (ids)
    RETURNING id, memory_type, created_at
  )
  SELECT pg_catalog.count(*)::integer AS atoms, (pg_catalog.count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')))::integer AS messages,
    COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
    COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor,
    pg_catalog.min(created_at) AS earliest, COALESCE(pg_catalog.bool_or(memory_type = 'session_metadata'), false) AS has_metadata
  INTO gone FROM deleted;

  SELECT id INTO last_id FROM "rivet_public"."session_memories" WHERE session_id = given_session_id ORDER BY id DESC LIMIT 1;
  IF last_id IS NULL THEN
    UPDATE "rivet_public"."session_heads" SET created_at = 'infinity', last_atom_id = '00000000-0000-0000-0000-000000000000'::uuid, recency = pg_catalog.left('00000000-0000-0000-0000-000000000000'::uuid::pg_catalog.text, 8), message_count = 0, atom_count = 0, id_xor = B'0'::bit(128),
    history_xor = B'0'::bit(128), metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1 WHERE session_id = given_session_id;
    RETURN gone.atoms;
  END IF;
  UPDATE "rivet_public"."session_heads" SET last_atom_id = last_id, recency = pg_catalog.left(last_id::pg_catalog.text, 8), message_count = message_count - gone.messages,
    atom_count = atom_count - gone.atoms, id_xor = id_xor # gone.id_xor, history_xor = history_xor # gone.history_xor,
    -- Only when the earliest goes are all of them looked at.
    created_at = CASE WHEN created_at = gone.earliest
      THEN (SELECT pg_catalog.min(created_at) FROM "rivet_public"."session_memories" WHERE session_id = given_session_id) ELSE created_at END,
    metadata = CASE WHEN gone.has_metadata THEN '{}' ELSE metadata END,
    metadata_ids = CASE WHEN gone.has_metadata THEN '{}' ELSE metadata_ids END,
    deletion_count = deletion_count + 1
  WHERE session_id = given_session_id;
  IF gone.has_metadata THEN
    PERFORM "public".rivet_apply_metadata(ARRAY[given_session_id], NULL);
  END IF;
  RETURN gone.atoms;
END
$rivet$;

DROP FUNCTION IF EXISTS "public".rivet_bury_sessions(text[], timestamptz[]);

-- Removes all of some sessions, whose heads are locked, and leaves the one tombstone that stands for each: that of its user, unless
-- an owner is given. Nothing else remembers the user. Gives what was removed.
CREATE OR REPLACE FUNCTION "public".rivet_bury_sessions(session_ids text[], times timestamptz[], given_owner bytea) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  removed json := (
    SELECT pg_catalog.json_build_object('sessions', pg_catalog.count(*), 'atoms', COALESCE(pg_catalog.sum(atom_count), 0),
      'messages', COALESCE(pg_catalog.sum(message_count), 0))
    FROM "rivet_public"."session_heads" WHERE session_id = ANY (session_ids) AND atom_count > 0
  );
BEGIN
  WITH given AS (
    SELECT given.session_id, deleted_at, COALESCE(given_owner, pg_catalog.sha256(pg_catalog.convert_to(head.user_id, 'UTF8'))) AS owner
    FROM ROWS FROM (pg_catalog.unnest(session_ids), pg_catalog.unnest(times)) AS given (session_id, deleted_at)
    JOIN "rivet_public"."session_heads" AS head ON head.session_id = given.session_id
  ), dug_up AS (
    DELETE FROM "rivet_public"."session_tombstones" AS tombstone USING given WHERE tombstone.session_id = given.session_id
      AND (tombstone.owner = given.owner AND tombstone.id <> '00000000-0000-0000-0000-000000000000'::uuid OR given.owner = ''::pg_catalog.bytea AND tombstone.owner <> ''::pg_catalog.bytea)
  ), buried AS (
    INSERT INTO "rivet_public"."session_tombstones" (session_id, id, owner, deleted_at)
    SELECT session_id, '00000000-0000-0000-0000-000000000000'::uuid, owner, COALESCE(deleted_at, pg_catalog.now()) FROM given
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM buried WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING
  )
  DELETE FROM "rivet_public"."session_memories" WHERE session_id = ANY (session_ids);
  UPDATE "rivet_public"."session_heads" SET user_id = '', is_deleted = true, created_at = 'infinity', last_atom_id = '00000000-0000-0000-0000-000000000000'::uuid, recency = pg_catalog.left('00000000-0000-0000-0000-000000000000'::uuid::pg_catalog.text, 8), message_count = 0, atom_count = 0, id_xor = B'0'::bit(128),
    history_xor = B'0'::bit(128), metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1
  WHERE session_id = ANY (session_ids);
  RETURN removed;
END
$rivet$;

-- Takes another store's tombstones of one session and one owner, in the order of their ids, while the session's head is locked.
-- Atoms of the owner go; what is somebody else's stays. Gives how many atoms went.
CREATE OR REPLACE FUNCTION "public".rivet_take_tombstones(given_session_id text, given_owner bytea, ids uuid[], times timestamptz[]) RETURNS integer
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  head record;
BEGIN
  IF EXISTS (
    SELECT FROM "rivet_public"."session_tombstones" WHERE session_id = given_session_id AND id = '00000000-0000-0000-0000-000000000000'::uuid AND (owner = given_owner OR owner = ''::pg_catalog.bytea)
  ) THEN
    RETURN 0;
  END IF;
  SELECT user_id, is_deleted, atom_count INTO head FROM "rivet_public"."session_heads" WHERE session_id = given_session_id;
  IF head.user_id <> '' AND (given_owner = pg_catalog.sha256(pg_catalog.convert_to(head.user_id, 'UTF8')) OR given_owner = ''::pg_catalog.bytea) THEN
    IF ids[1] = '00000000-0000-0000-0000-000000000000'::uuid THEN
      RETURN ("public".rivet_bury_sessions(ARRAY[given_session_id], times, given_owner) ->> 'atoms')::integer;
    END IF;
    RETURN "public".rivet_bury_atoms(given_session_id, ids, times, given_owner);
  END IF;
  WITH given AS (
    SELECT given_session_id AS session_id, times[1] AS deleted_at, given_owner AS owner WHERE ids[1] = '00000000-0000-0000-0000-000000000000'::uuid
  ), dug_up AS (
    DELETE FROM "rivet_public"."session_tombstones" AS tombstone USING given WHERE tombstone.session_id = given.session_id
      AND (tombstone.owner = given.owner AND tombstone.id <> '00000000-0000-0000-0000-000000000000'::uuid OR given.owner = ''::pg_catalog.bytea AND tombstone.owner <> ''::pg_catalog.bytea)
  ), buried AS (
    INSERT INTO "rivet_public"."session_tombstones" (session_id, id, owner, deleted_at)
    SELECT session_id, '00000000-0000-0000-0000-000000000000'::uuid, owner, COALESCE(deleted_at, pg_catalog.now()) FROM given
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM buried WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING
  )
  INSERT INTO "rivet_public"."session_tombstones" (session_id, id, owner, deleted_at)
  SELECT given_session_id, id, given_owner, deleted_at
  FROM ROWS FROM (pg_catalog.unnest(ids), pg_catalog.unnest(times)) AS given (id, deleted_at)
  WHERE ids[1] <> '00000000-0000-0000-0000-000000000000'::uuid ORDER BY id ON CONFLICT DO NOTHING;
  IF ids[1] <> '00000000-0000-0000-0000-000000000000'::uuid THEN
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM (SELECT given_session_id AS session_id, id FROM pg_catalog.unnest(ids) AS id) AS buried WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING;
  END IF;
  IF head.user_id = '' AND NOT head.is_deleted THEN
    -- Nobody has written here yet: the first who does has to look at the tombstones.
    UPDATE "rivet_public"."session_heads" SET deletion_count = deletion_count + 1 WHERE session_id = given_session_id;
  END IF;
  RETURN 0;
END
$rivet$;

-- Deletes atoms by their ids, a whole session, or everything of a user, and leaves tombstones. What is somebody else's is
-- as if it were not there.
CREATE OR REPLACE FUNCTION "public".rivet_delete_atoms(given_session_id text DEFAULT NULL, given_user_id text DEFAULT NULL, ids uuid[] DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET statement_timeout = '55s' AS $rivet$
#variable_conflict use_column
DECLARE
  locked text[];
  given_owner bytea;
  removed json;
  atoms integer;
  messages integer;
BEGIN
  IF pg_catalog.cardinality(ids) > 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RM008', MESSAGE = 'one request takes 10000 ids at most', DETAIL = pg_catalog.json_build_object('sessionId', NULL)::text;
  END IF;
  PERFORM pg_catalog.set_config('rivet_memory.writing', 'yes', true);
  IF given_session_id IS NULL THEN
    locked := ARRAY(
    SELECT session_id FROM "rivet_public"."session_heads" WHERE user_id = given_user_id AND user_id <> '' ORDER BY session_id FOR UPDATE
  );
  ELSE
    locked := ARRAY(
    SELECT session_id FROM "rivet_public"."session_heads" WHERE session_id = given_session_id AND (given_user_id IS NULL OR user_id = given_user_id) AND user_id <> '' ORDER BY session_id FOR UPDATE
  );
  END IF;
  IF ids IS NULL OR pg_catalog.cardinality(locked) = 0 THEN
    removed := "public".rivet_bury_sessions(locked, NULL, NULL);
  ELSE
    SELECT message_count, pg_catalog.sha256(pg_catalog.convert_to(user_id, 'UTF8')) INTO messages, given_owner FROM "rivet_public"."session_heads" WHERE session_id = given_session_id;
    atoms := "public".rivet_bury_atoms(given_session_id, ids, NULL, given_owner);
    removed := pg_catalog.json_build_object('sessions', 0, 'atoms', atoms, 'messages',
      messages - (SELECT message_count FROM "rivet_public"."session_heads" WHERE session_id = given_session_id));
  END IF;
  PERFORM pg_catalog.set_config('rivet_memory.writing', '', true);
  RETURN removed;
END
$rivet$;

-- Appends atoms to a session that is there, when its history is then the one that is foreseen. Otherwise it is refused,
-- and rivet_write_atoms finds out why.
CREATE OR REPLACE FUNCTION "public".rivet_append(atoms json, saved_session json) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  foreseen constant bit(128) := ('x' || pg_catalog.replace((saved_session ->> 'foreseenHistoryXor')::pg_catalog.text, '-', ''))::bit(128);
  done record;
  changed record;
BEGIN
  PERFORM pg_catalog.set_config('rivet_memory.writing', 'yes', true);
  IF pg_catalog.strpos(saved_session::text, '\u00') > 0 OR pg_catalog.strpos(atoms::text, '\u00') > 0 THEN
    PERFORM "public".rivet_refuse_outsized(atoms, saved_session);
    PERFORM "public".rivet_refuse_forged(atoms, saved_session, NULL);
  ELSIF (CASE WHEN pg_catalog.octet_length(atoms::text) <= 2000 THEN false
    ELSE pg_catalog.octet_length(atoms::text) > 16777216 OR pg_catalog.octet_length(atoms::text) - pg_catalog.octet_length(pg_catalog.replace(pg_catalog.replace(atoms::text, '[', ''), '{', '')) > 1000 END) THEN
    PERFORM "public".rivet_refuse_outsized(atoms, saved_session);
  END IF;
  WITH inserted AS (
    INSERT INTO "rivet_public"."session_memories" SELECT saved_id, id, saved_user, memory_type, content::jsonb, metadata::jsonb, (timestamp '1970-01-01' + pg_catalog.make_interval(days => (created_at_ms / 86400000)::integer, secs => (created_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + pg_catalog.make_interval(days => (expires_at_ms / 86400000)::integer, secs => (expires_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC'
    FROM pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, memory_type, created_at
  )
  SELECT COALESCE(pg_catalog.array_agg(id), '{}') AS ids, COALESCE(pg_catalog.bool_or(memory_type = 'session_metadata'), false) AS has_metadata, pg_catalog.min(created_at) AS created_at, pg_catalog.max(id::text COLLATE "C")::uuid AS last_id,
      pg_catalog.count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')) AS messages, pg_catalog.count(*) AS atoms, COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
      COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor INTO done FROM inserted;

  UPDATE "rivet_public"."session_heads" AS head SET created_at = LEAST(head.created_at, done.created_at), last_atom_id = GREATEST(head.last_atom_id, done.last_id),
      recency = GREATEST(head.recency, pg_catalog.left(done.last_id::pg_catalog.text, 8)), message_count = head.message_count + done.messages,
      atom_count = head.atom_count + done.atoms, id_xor = head.id_xor # done.id_xor,
      history_xor = head.history_xor # done.history_xor
  WHERE session_id = saved_id AND user_id = saved_user AND atom_count > 0
  RETURNING history_xor, deletion_count INTO changed;
  IF changed.history_xor IS DISTINCT FROM foreseen OR done.atoms < pg_catalog.json_array_length(atoms) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'the session is not as it was foreseen', DETAIL = pg_catalog.json_build_object('sessionId', saved_id)::text;
  END IF;
  IF changed.deletion_count > 0 THEN
    -- What was deleted stays so, however late it comes.
    IF EXISTS (SELECT FROM "rivet_public"."session_tombstones" WHERE session_id = saved_id AND id = ANY (done.ids)) THEN
      RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'the session is not as it was foreseen', DETAIL = pg_catalog.json_build_object('sessionId', saved_id)::text;
    END IF;
  END IF;

  IF EXISTS (SELECT FROM "rivet_public"."replication_peers") THEN
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, false FROM (SELECT saved_id AS session_id, id FROM pg_catalog.unnest(done.ids) AS id) AS inserted WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING;
  END IF;
  IF done.has_metadata THEN
    PERFORM "public".rivet_refuse_overruled(ARRAY[saved_id], done.ids);
    PERFORM "public".rivet_apply_metadata(ARRAY[saved_id], done.ids);
  END IF;
  PERFORM pg_catalog.set_config('rivet_memory.writing', '', true);
END
$rivet$;

-- Appends atoms, and maintains the heads of their sessions. With a session, that one is saved, and the atoms are its: its
-- messages through an id are cleared first, and it is refused when its history is not the one that is expected. With
-- tombstones, also an empty list, the facts of another store are merged: tombstones come first and win, and what is late is
-- left out silently.
CREATE OR REPLACE FUNCTION "public".rivet_write_atoms(atoms json, saved_session json DEFAULT NULL, tombstones json DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  is_merge constant boolean := tombstones IS NOT NULL;
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  clear_through constant uuid := saved_session ->> 'clearThroughId';
  clear_after constant uuid := saved_session -> 'clearAhead' ->> 'afterId';
  clear_ahead constant uuid := saved_session -> 'clearAhead' ->> 'throughId';
  expected constant bit(128) := ('x' || pg_catalog.replace((saved_session ->> 'expectedHistoryXor')::pg_catalog.text, '-', ''))::bit(128);
  incoming "rivet_public"."session_memories"[];
  session_ids text[];
  locked text[];
  refused record;
  facts record;
  done record;
  version bit(128);
  version_after bit(128);
  removed integer := 0;
BEGIN
  IF pg_catalog.json_array_length(tombstones) > 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RM008', MESSAGE = 'one request takes 10000 ids at most', DETAIL = pg_catalog.json_build_object('sessionId', NULL)::text;
  END IF;
  PERFORM pg_catalog.set_config('rivet_memory.writing', 'yes', true);
  IF pg_catalog.strpos(saved_session::text, '\u00') > 0 OR pg_catalog.strpos(atoms::text, '\u00') > 0 OR pg_catalog.strpos(tombstones::text, '\u00') > 0 THEN
    PERFORM "public".rivet_refuse_outsized(atoms, saved_session);
    PERFORM "public".rivet_refuse_forged(atoms, saved_session, tombstones);
  ELSIF (CASE WHEN pg_catalog.octet_length(atoms::text) <= 2000 THEN false
    ELSE pg_catalog.octet_length(atoms::text) > 16777216 OR pg_catalog.octet_length(atoms::text) - pg_catalog.octet_length(pg_catalog.replace(pg_catalog.replace(atoms::text, '[', ''), '{', '')) > 1000 END) THEN
    PERFORM "public".rivet_refuse_outsized(atoms, saved_session);
  END IF;
  incoming := ARRAY(
    SELECT ROW(COALESCE(session_id, saved_id), id, COALESCE(user_id, saved_user), memory_type, content::jsonb, metadata::jsonb, (timestamp '1970-01-01' + pg_catalog.make_interval(days => (created_at_ms / 86400000)::integer, secs => (created_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + pg_catalog.make_interval(days => (expires_at_ms / 86400000)::integer, secs => (expires_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC')::"rivet_public"."session_memories"
    FROM pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
    ORDER BY 1
  );
  session_ids := ARRAY(
    SELECT session_id FROM pg_catalog.unnest(incoming)
    UNION SELECT saved_id WHERE saved_id IS NOT NULL
    UNION SELECT session_id FROM pg_catalog.json_to_recordset(tombstones) AS given (session_id text, id uuid, owner text, deleted_at_ms bigint)
  );
  locked := "public".rivet_lock_heads(session_ids);

  IF is_merge THEN
    -- Those that concern everybody come last: they take the place of the others.
    FOR facts IN
      SELECT session_id, pg_catalog.decode(owner, 'hex') AS owner, pg_catalog.array_agg(id ORDER BY id) AS ids,
        pg_catalog.array_agg((timestamp '1970-01-01' + pg_catalog.make_interval(days => (deleted_at_ms / 86400000)::integer, secs => (deleted_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC' ORDER BY id) AS times
      FROM pg_catalog.json_to_recordset(tombstones) AS given (session_id text, id uuid, owner text, deleted_at_ms bigint) WHERE session_id = ANY (locked) GROUP BY session_id, owner ORDER BY session_id, owner DESC
    LOOP
      removed := removed + "public".rivet_take_tombstones(facts.session_id, facts.owner, facts.ids, facts.times);
    END LOOP;
    -- Rows of a user who has deleted the session are late.
    incoming := ARRAY(
      SELECT atom FROM pg_catalog.unnest(incoming) AS atom WHERE NOT EXISTS (
        SELECT FROM "rivet_public"."session_tombstones" AS buried
        WHERE buried.session_id = atom.session_id AND buried.id = '00000000-0000-0000-0000-000000000000'::uuid AND (buried.owner = pg_catalog.sha256(pg_catalog.convert_to(atom.user_id, 'UTF8')) OR buried.owner = ''::pg_catalog.bytea)
      )
    );
  END IF;

  -- Whose a session is, also without atoms; whether it was deleted, or its first writer has a tombstone of all of it. What could
  -- not be locked is somebody else's, as is what was deleted to the rows of another store, which are not late.
  FOR refused IN
    SELECT wanted.session_id, wanted.session_id <> ALL (locked) OR head.user_id <> '' OR is_merge AS is_foreign
    FROM (
      SELECT session_id, user_id FROM pg_catalog.unnest(incoming)
      UNION SELECT saved_id, saved_user WHERE saved_id IS NOT NULL
      UNION SELECT session_id, NULL FROM pg_catalog.unnest(session_ids) AS session_id WHERE session_id <> ALL (locked)
    ) AS wanted
    LEFT JOIN "rivet_public"."session_heads" AS head USING (session_id)
    WHERE wanted.session_id <> ALL (locked) OR head.is_deleted OR head.user_id <> '' AND head.user_id <> wanted.user_id
      OR head.user_id = '' AND EXISTS (
        SELECT FROM "rivet_public"."session_tombstones" AS buried
        WHERE buried.session_id = wanted.session_id AND buried.id = '00000000-0000-0000-0000-000000000000'::uuid AND (buried.owner = pg_catalog.sha256(pg_catalog.convert_to(wanted.user_id, 'UTF8')) OR buried.owner = ''::pg_catalog.bytea)
      )
    ORDER BY session_id
  LOOP
    IF refused.is_foreign THEN
      RAISE EXCEPTION USING ERRCODE = 'RM002', MESSAGE = 'the session belongs to another user', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id)::text;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'RM003', MESSAGE = 'the session was deleted', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id)::text;
  END LOOP;

  IF saved_id IS NOT NULL THEN
    SELECT history_xor INTO version FROM "rivet_public"."session_heads" WHERE session_id = saved_id;
    SELECT pg_catalog.array_agg(id) AS ids INTO facts FROM "rivet_public"."session_memories"
    WHERE session_id = saved_id AND (id <= clear_through OR id > clear_after AND id <= clear_ahead) AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool');
    IF facts.ids IS NOT NULL THEN
      removed := "public".rivet_bury_atoms(saved_id, facts.ids, NULL, pg_catalog.sha256(pg_catalog.convert_to(saved_user, 'UTF8')));
    END IF;
  END IF;

  WITH inserted AS (
    INSERT INTO "rivet_public"."session_memories" SELECT atom.* FROM pg_catalog.unnest(incoming) AS atom
    WHERE NOT EXISTS (
      SELECT FROM "rivet_public"."session_tombstones" AS buried WHERE buried.session_id = atom.session_id AND buried.id = atom.id
        AND (buried.owner = pg_catalog.sha256(pg_catalog.convert_to(atom.user_id, 'UTF8')) OR buried.owner = ''::pg_catalog.bytea)
    )
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, user_id, memory_type, created_at
  ), hinted AS (
    INSERT INTO "rivet_public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, false FROM inserted WHERE EXISTS (SELECT FROM "rivet_public"."replication_peers")
    ON CONFLICT DO NOTHING
  ), added AS (
    SELECT session_id, pg_catalog.min(user_id) AS user_id, pg_catalog.min(created_at) AS created_at, pg_catalog.max(id::text COLLATE "C")::uuid AS last_id,
      pg_catalog.count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')) AS messages, pg_catalog.count(*) AS atoms, COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
      COALESCE(pg_catalog.bit_xor(('x' || pg_catalog.replace(id::pg_catalog.text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor FROM inserted GROUP BY session_id
  ), updated AS (
    UPDATE "rivet_public"."session_heads" AS head SET user_id = added.user_id,
      created_at = CASE WHEN atom_count = 0 THEN added.created_at ELSE LEAST(head.created_at, added.created_at) END,
      last_atom_id = GREATEST(head.last_atom_id, added.last_id),
      recency = GREATEST(head.recency, pg_catalog.left(added.last_id::pg_catalog.text, 8)), message_count = head.message_count + added.messages,
      atom_count = head.atom_count + added.atoms, id_xor = head.id_xor # added.id_xor,
      history_xor = head.history_xor # added.history_xor
    FROM added WHERE head.session_id = added.session_id
  )
  SELECT COALESCE(pg_catalog.array_agg(id), '{}') AS ids, COALESCE(pg_catalog.bool_or(memory_type = 'session_metadata'), false) AS has_metadata INTO done FROM inserted;
  SELECT history_xor INTO version_after FROM "rivet_public"."session_heads" WHERE session_id = saved_id;

  IF done.has_metadata THEN
    IF NOT is_merge THEN
      PERFORM "public".rivet_refuse_overruled(session_ids, done.ids);
    END IF;
    PERFORM "public".rivet_apply_metadata(session_ids, done.ids);
  END IF;

  IF pg_catalog.cardinality(done.ids) < pg_catalog.cardinality(incoming) THEN
    SELECT atom.session_id, atom.id INTO refused FROM pg_catalog.unnest(incoming) AS atom JOIN "rivet_public"."session_memories" AS stored USING (session_id, id)
    WHERE (atom.user_id, atom.memory_type, atom.content, atom.metadata, atom.expires_at)
      IS DISTINCT FROM (stored.user_id, stored.memory_type, stored.content, stored.metadata, stored.expires_at)
    ORDER BY 1, 2 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RM001', MESSAGE = 'the atom exists with other content', DETAIL = pg_catalog.json_build_object('sessionId', refused.session_id, 'id', refused.id)::text;
    END IF;
  END IF;

  IF expected IS NOT NULL AND version <> expected AND removed + pg_catalog.cardinality(done.ids) > 0 THEN
    -- What the same write left here before its reply was lost is no change by somebody else.
    FOR refused IN
      SELECT id FROM pg_catalog.unnest(incoming) AS atom JOIN "rivet_public"."session_memories" USING (session_id, id)
      WHERE atom.memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata') AND id <> ALL (done.ids) ORDER BY id DESC
    LOOP
      version := version # ('x' || pg_catalog.replace(refused.id::pg_catalog.text, '-', ''))::bit(128);
      EXIT WHEN version = expected;
    END LOOP;
    IF version <> expected THEN
      RAISE EXCEPTION USING ERRCODE = 'RM004', MESSAGE = 'the session was changed by another writer', DETAIL = pg_catalog.json_build_object('sessionId', saved_id)::text;
    END IF;
  END IF;

  PERFORM pg_catalog.set_config('rivet_memory.writing', '', true);
  RETURN pg_catalog.json_build_object('written', pg_catalog.cardinality(done.ids), 'removed', removed,
    'historyXor', pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(version_after), 5), 'hex')::pg_catalog.uuid);
END
$rivet$;

-- Appends atoms of several sessions, of which none is there yet, and gives the versions of their histories by session.
-- Otherwise it is refused: it could not say whose atoms are new.
CREATE OR REPLACE FUNCTION "public".rivet_append_together(atoms json) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  written constant integer := ("public".rivet_write_atoms(atoms) ->> 'written')::integer;
BEGIN
  IF written < pg_catalog.json_array_length(atoms) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'some of the atoms are there already', DETAIL = pg_catalog.json_build_object('sessionId', NULL)::text;
  END IF;
  RETURN (
    SELECT pg_catalog.json_object_agg(session_id, pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(history_xor), 5), 'hex')::pg_catalog.uuid) FROM "rivet_public"."session_heads"
    WHERE session_id IN (SELECT session_id FROM pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint))
  );
END
$rivet$;

-- How many rows of these sizes a page takes, one at least.
CREATE OR REPLACE FUNCTION "public".rivet_rows_that_fit(sizes integer[]) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  bytes bigint := 0;
BEGIN
  FOR position IN 1 .. LEAST(pg_catalog.cardinality(sizes), 1000) LOOP
    IF bytes >= 2097152 THEN
      RETURN position - 1;
    END IF;
    bytes := bytes + sizes[position];
  END LOOP;
  RETURN LEAST(pg_catalog.cardinality(sizes), 1000);
END
$rivet$;

-- As it was before atoms expired: what calls it finds the one below.
DROP FUNCTION IF EXISTS "public".rivet_select_atoms(text, text, text[], uuid[], uuid, uuid, boolean, integer);

-- A page of atoms. An index leads by the types of facts: each gives its own page, and the pages are merged. Messages are
-- read in the order of their ids, whatever their type.
CREATE OR REPLACE FUNCTION "public".rivet_select_atoms(given_session_id text, given_user_id text, memory_types text[], ids uuid[], after_id uuid,
  before_id uuid, is_newest_first boolean, row_limit integer, unexpired_at_ms bigint DEFAULT NULL,
  created_before_ms bigint DEFAULT NULL) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  ending constant text := pg_catalog.format(' ORDER BY id %s LIMIT $7', CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END);
  source text := pg_catalog.format('SELECT * FROM "rivet_public"."session_memories" WHERE id > $1 AND id < $2 %s %s %s %s %s',
    CASE WHEN unexpired_at_ms IS NOT NULL THEN 'AND (expires_at IS NULL OR expires_at > $9)' END,
    CASE WHEN created_before_ms IS NOT NULL THEN 'AND created_at < $10' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $4' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END,
    CASE WHEN ids IS NOT NULL THEN 'AND id = ANY ($5)' END);
  facts constant text[] := ARRAY(SELECT DISTINCT memory_type FROM pg_catalog.unnest(memory_types) AS type (memory_type) WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool'));
  messages constant text[] := ARRAY(SELECT DISTINCT memory_type FROM pg_catalog.unnest(memory_types) AS type (memory_type) WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool'));
  pages text[] := '{}';
  first_id constant uuid := COALESCE(after_id, '00000000-0000-0000-0000-000000000000'::uuid);
  last_id constant uuid := COALESCE(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  unexpired_at constant timestamptz := (timestamp '1970-01-01' + pg_catalog.make_interval(days => (unexpired_at_ms / 86400000)::integer, secs => (unexpired_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC';
  created_before constant timestamptz := (timestamp '1970-01-01' + pg_catalog.make_interval(days => (created_before_ms / 86400000)::integer, secs => (created_before_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC';
  sizes integer[];
  fitting integer;
  columns json;
BEGIN
  IF facts <> '{}' THEN
    pages := pages || pg_catalog.format('SELECT page.* FROM pg_catalog.unnest($6) AS type (name) CROSS JOIN LATERAL (%s AND memory_type = type.name
      AND memory_type NOT IN (''message_user'', ''message_assistant'', ''message_system'', ''message_tool'') %s) AS page %s', source, ending, ending);
  END IF;
  IF facts = '{}' OR messages <> '{}' THEN
    pages := pages || pg_catalog.format('%s AND memory_type = ANY ($8) AND memory_type IN (''message_user'', ''message_assistant'', ''message_system'', ''message_tool'') %s', source, ending);
  END IF;
  IF memory_types IS NOT NULL THEN
    source := pg_catalog.format('SELECT * FROM ((%s)) AS page', pg_catalog.array_to_string(pages, ') UNION ALL ('));
  END IF;
  EXECUTE 'SELECT ARRAY(SELECT pg_catalog.pg_column_size(content) + pg_catalog.pg_column_size(metadata) FROM (' || source || ending || ') AS page)' INTO sizes
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, LEAST(row_limit, 1000 + 1), messages,
    unexpired_at, created_before;
  fitting := "public".rivet_rows_that_fit(sizes);
  EXECUTE pg_catalog.format($page$SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(session_id ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(user_id ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', expires_at) * 1000::double precision ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(id ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(memory_type ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(content::text ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(metadata::text ORDER BY id %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', created_at) * 1000::double precision ORDER BY id %1$s), '[]')) FROM (%2$s) AS page$page$,
    CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END, source || ending) INTO columns
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, fitting, messages, unexpired_at, created_before;
  RETURN pg_catalog.json_build_object('columns', columns, 'more', fitting < pg_catalog.cardinality(sizes));
END
$rivet$;

-- A page of atoms that have expired, those that did first in front, and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_expired(at_ms bigint, given_user_id text, given_session_id text, after_expires_at_ms bigint,
  after_session_id text, after_id uuid, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  columns json;
BEGIN
  EXECUTE pg_catalog.format($page$SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(session_id ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(pg_catalog.json_agg(id ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(pg_catalog.json_agg(memory_type ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', expires_at) * 1000::double precision ORDER BY expires_at, session_id, id), '[]'))
    FROM (
      SELECT * FROM "rivet_public"."session_memories" WHERE expires_at <= $1 %s %s %s ORDER BY expires_at, session_id, id LIMIT $7
    ) AS page$page$,
    CASE WHEN after_id IS NOT NULL THEN 'AND (expires_at, session_id, id) > ($2, $3, $4)' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $5' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $6' END)
  INTO columns
  USING (timestamp '1970-01-01' + pg_catalog.make_interval(days => (at_ms / 86400000)::integer, secs => (at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + pg_catalog.make_interval(days => (after_expires_at_ms / 86400000)::integer, secs => (after_expires_at_ms % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC', after_session_id, after_id, given_user_id, given_session_id,
    LEAST(row_limit, 1000);
  RETURN pg_catalog.json_build_object('columns', columns, 'more', row_limit > 1000 AND pg_catalog.json_array_length(columns -> 0) = 1000);
END
$rivet$;

-- A session with a page of its messages, as of one moment; null when there is none. With last_messages they come newest
-- first, so many at most, and before the cursor; without, oldest first, from an id on, and after the cursor. The first page of
-- what is not all has besides, in leading, the system messages that stand before the first other one.
CREATE OR REPLACE FUNCTION "public".rivet_select_session(given_session_id text, given_user_id text, from_id uuid, last_messages integer,
  cursor_id uuid, is_whole boolean) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  head json := (
    SELECT pg_catalog.json_build_array(session_id, user_id, pg_catalog.date_part('epoch', created_at) * 1000::double precision, last_atom_id, message_count, atom_count, pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(id_xor), 5), 'hex')::pg_catalog.uuid, pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(history_xor), 5), 'hex')::pg_catalog.uuid, metadata::text, content::text) FROM (SELECT *, metadata_ids AS content FROM "rivet_public"."session_heads") AS head
    WHERE session_id = given_session_id AND atom_count > 0 AND (given_user_id IS NULL OR user_id = given_user_id)
  );
  first_id constant uuid := COALESCE(from_id, '00000000-0000-0000-0000-000000000000'::uuid);
  after_id constant uuid := COALESCE(cursor_id, '00000000-0000-0000-0000-000000000000'::uuid);
  before_id constant uuid := COALESCE(cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  sizes integer[] := '{}';
  fitting integer;
  columns json;
  opening json;
BEGIN
  IF head IS NULL THEN
    RETURN NULL;
  END IF;
  IF cursor_id IS NULL AND (last_messages IS NOT NULL OR from_id IS NOT NULL) THEN
    SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(id ORDER BY id), '[]'),
      COALESCE(pg_catalog.json_agg(memory_type ORDER BY id), '[]'),
      COALESCE(pg_catalog.json_agg(content::text ORDER BY id), '[]'),
      COALESCE(pg_catalog.json_agg(metadata::text ORDER BY id), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', created_at) * 1000::double precision ORDER BY id), '[]')) INTO opening FROM (
      SELECT id, memory_type, content, metadata, created_at FROM "rivet_public"."session_memories"
      WHERE session_id = given_session_id AND memory_type = 'message_system' AND id < COALESCE(from_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        AND id < COALESCE((
          SELECT id FROM "rivet_public"."session_memories"
          WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND memory_type <> 'message_system' ORDER BY id LIMIT 1
        ), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    ) AS page;
  END IF;
  IF last_messages IS NULL THEN
    IF is_whole THEN
      fitting := last_messages;
    ELSE
      sizes := ARRAY(SELECT pg_catalog.pg_column_size(content) + pg_catalog.pg_column_size(metadata) FROM "rivet_public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id >= first_id AND id > after_id
      ORDER BY id ASC LIMIT LEAST(last_messages, 1000 + 1));
      fitting := "public".rivet_rows_that_fit(sizes);
    END IF;
    SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(id ORDER BY id ASC), '[]'),
      COALESCE(pg_catalog.json_agg(memory_type ORDER BY id ASC), '[]'),
      COALESCE(pg_catalog.json_agg(content::text ORDER BY id ASC), '[]'),
      COALESCE(pg_catalog.json_agg(metadata::text ORDER BY id ASC), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', created_at) * 1000::double precision ORDER BY id ASC), '[]')) INTO columns FROM (
      SELECT id, memory_type, content, metadata, created_at FROM "rivet_public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id >= first_id AND id > after_id
      ORDER BY id ASC LIMIT fitting
    ) AS page;
  ELSE
    IF is_whole THEN
      fitting := last_messages;
    ELSE
      sizes := ARRAY(SELECT pg_catalog.pg_column_size(content) + pg_catalog.pg_column_size(metadata) FROM "rivet_public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id < before_id
      ORDER BY id DESC LIMIT LEAST(last_messages, 1000 + 1));
      fitting := "public".rivet_rows_that_fit(sizes);
    END IF;
    SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(id ORDER BY id DESC), '[]'),
      COALESCE(pg_catalog.json_agg(memory_type ORDER BY id DESC), '[]'),
      COALESCE(pg_catalog.json_agg(content::text ORDER BY id DESC), '[]'),
      COALESCE(pg_catalog.json_agg(metadata::text ORDER BY id DESC), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', created_at) * 1000::double precision ORDER BY id DESC), '[]')) INTO columns FROM (
      SELECT id, memory_type, content, metadata, created_at FROM "rivet_public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id < before_id
      ORDER BY id DESC LIMIT fitting
    ) AS page;
  END IF;
  RETURN pg_catalog.json_build_object('head', head, 'leading', opening, 'columns', columns, 'more', COALESCE(fitting < pg_catalog.cardinality(sizes), false));
END
$rivet$;

-- A page of sessions: most recent first and before an atom id, or by session id and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_heads(given_user_id text, before_id uuid, after_session_id text, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  ordering constant text := CASE WHEN after_session_id IS NULL THEN 'recency DESC, last_atom_id DESC' ELSE 'session_id' END;
  source constant text := pg_catalog.format('SELECT *, metadata_ids AS content FROM "rivet_public"."session_heads" WHERE atom_count > 0 AND %s %s ORDER BY %s LIMIT $4',
    CASE WHEN after_session_id IS NULL THEN 'recency <= pg_catalog.left($1::pg_catalog.text, 8) AND last_atom_id < $1' ELSE 'session_id > $2' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END, ordering);
  last_id constant uuid := COALESCE(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  page json;
BEGIN
  EXECUTE pg_catalog.format($page$
    WITH found AS MATERIALIZED (%2$s),
    sized (sizes) AS MATERIALIZED (SELECT ARRAY(SELECT pg_catalog.pg_column_size(content) + pg_catalog.pg_column_size(metadata) FROM found)),
    fitting (rows) AS MATERIALIZED (SELECT "public".rivet_rows_that_fit(sizes) FROM sized)
    SELECT pg_catalog.json_build_object(
      'columns', (SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(session_id ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(user_id ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', created_at) * 1000::double precision ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(last_atom_id ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(message_count ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(atom_count ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(id_xor), 5), 'hex')::pg_catalog.uuid ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(history_xor), 5), 'hex')::pg_catalog.uuid ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(metadata::text ORDER BY %1$s), '[]'),
      COALESCE(pg_catalog.json_agg(content::text ORDER BY %1$s), '[]')) FROM (SELECT * FROM found LIMIT (SELECT rows FROM fitting)) AS page),
      'more', (SELECT rows < pg_catalog.cardinality(sizes) FROM fitting, sized)
    )$page$, ordering, source) INTO page
  USING last_id, after_session_id, given_user_id, LEAST(row_limit, 1000 + 1);
  RETURN page;
END
$rivet$;

DROP FUNCTION IF EXISTS "public".rivet_select_tombstones(text, text, uuid, integer);

-- A page of tombstones, in the order of their keys and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_tombstones(given_session_id text, after_session_id text, after_id uuid, after_owner text, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $rivet$
#variable_conflict use_column
DECLARE
  columns json;
BEGIN
  EXECUTE pg_catalog.format($page$SELECT pg_catalog.json_build_array(COALESCE(pg_catalog.json_agg(session_id ORDER BY session_id, id, owner), '[]'),
      COALESCE(pg_catalog.json_agg(id ORDER BY session_id, id, owner), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.encode(owner, 'hex') ORDER BY session_id, id, owner), '[]'),
      COALESCE(pg_catalog.json_agg(pg_catalog.date_part('epoch', deleted_at) * 1000::double precision ORDER BY session_id, id, owner), '[]'))
    FROM (
      SELECT * FROM "rivet_public"."session_tombstones" WHERE %s (session_id, id, owner) > ($2, $3, $5) ORDER BY session_id, id, owner LIMIT $4
    ) AS page$page$, CASE WHEN given_session_id IS NOT NULL THEN 'session_id = $1 AND' END)
  INTO columns
  USING given_session_id, COALESCE(after_session_id, ''), COALESCE(after_id, '00000000-0000-0000-0000-000000000000'::uuid), LEAST(row_limit, 1000),
    pg_catalog.decode(COALESCE(after_owner, ''), 'hex');
  RETURN pg_catalog.json_build_object('columns', columns, 'more', row_limit > 1000 AND pg_catalog.json_array_length(columns -> 0) = 1000);
END
$rivet$;

REVOKE ALL ON FUNCTION "public".rivet_refuse_id, "public".rivet_refuse_row, "public".rivet_refuse_forged, "public".rivet_refuse_outsized, "public".rivet_refuse_overruled, "public".rivet_lock_heads, "public".rivet_apply_metadata, "public".rivet_bury_atoms, "public".rivet_bury_sessions, "public".rivet_take_tombstones, "public".rivet_delete_atoms, "public".rivet_append, "public".rivet_write_atoms, "public".rivet_append_together, "public".rivet_rows_that_fit, "public".rivet_select_atoms, "public".rivet_select_expired, "public".rivet_select_session, "public".rivet_select_heads, "public".rivet_select_tombstones FROM PUBLIC, anon;

GRANT EXECUTE ON FUNCTION "public".rivet_refuse_id, "public".rivet_refuse_row, "public".rivet_refuse_forged, "public".rivet_refuse_outsized, "public".rivet_refuse_overruled, "public".rivet_lock_heads, "public".rivet_apply_metadata, "public".rivet_bury_atoms, "public".rivet_bury_sessions, "public".rivet_take_tombstones, "public".rivet_delete_atoms, "public".rivet_append, "public".rivet_write_atoms, "public".rivet_append_together, "public".rivet_rows_that_fit, "public".rivet_select_atoms, "public".rivet_select_expired, "public".rivet_select_session, "public".rivet_select_heads, "public".rivet_select_tombstones TO authenticated, service_role;

-- The API learns of what is new.
NOTIFY pgrst, 'reload schema';
