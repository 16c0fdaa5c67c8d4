-- Rivet Memory in a Supabase project, as @rivet/memory-supabase makes it. It may be applied again.

DO $rivet$ BEGIN
IF to_regnamespace('"public"') IS NULL THEN
CREATE SCHEMA IF NOT EXISTS "public";
END IF;

IF to_regclass('"public"."rivet_store"') IS NULL THEN

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

ALTER TABLE "public"."session_heads" ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(last_atom_id::text, 8)) STORED;

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

INSERT INTO "public"."rivet_store" (store_uuid, schema_version, heartbeat) VALUES (gen_random_uuid(), 5, now());

ELSIF (SELECT schema_version FROM "public"."rivet_store") = 2 THEN

ALTER TABLE "public"."session_heads" ADD COLUMN recency text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(last_atom_id::text, 8)) STORED;

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

UPDATE "public"."rivet_store" SET schema_version = 5;

ELSIF (SELECT schema_version FROM "public"."rivet_store") = 3 THEN

ALTER TABLE "public"."session_memories" ADD COLUMN expires_at timestamptz;

CREATE INDEX session_memories_expiring ON "public"."session_memories" (expires_at, session_id, id) WHERE expires_at IS NOT NULL;

ALTER TABLE "public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

UPDATE "public"."rivet_store" SET schema_version = 5;

ELSIF (SELECT schema_version FROM "public"."rivet_store") = 4 THEN

ALTER TABLE "public"."session_heads" ALTER COLUMN recency DROP EXPRESSION;

UPDATE "public"."rivet_store" SET schema_version = 5;

ELSIF (SELECT schema_version FROM "public"."rivet_store") <> 5 THEN
  RAISE EXCEPTION 'the tables of Rivet Memory have version %, and this file is for version 5',
    (SELECT schema_version FROM "public"."rivet_store")
    USING HINT = 'Apply the file of the version of @rivet/memory-supabase that is installed.';
END IF;
END $rivet$;

-- Whose it was, so that nobody else sees it.
ALTER TABLE "public"."session_tombstones" ADD COLUMN IF NOT EXISTS user_id text COLLATE "C";

CREATE INDEX IF NOT EXISTS session_tombstones_by_user ON "public"."session_tombstones" (user_id, session_id, id);

CREATE OR REPLACE FUNCTION "public".rivet_own_tombstone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $rivet$
#variable_conflict use_column
BEGIN
  NEW.user_id := (SELECT user_id FROM "public"."session_heads" AS head WHERE head.session_id = NEW.session_id AND head.user_id <> '');
  IF NEW.user_id IS NULL THEN
    NEW.user_id := auth.uid()::text;
  END IF;
  RETURN NEW;
END
$rivet$;

CREATE OR REPLACE TRIGGER rivet_own_tombstone BEFORE INSERT ON "public"."session_tombstones"
  FOR EACH ROW EXECUTE FUNCTION "public".rivet_own_tombstone();

ALTER TABLE "public"."session_memories" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."session_heads" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."session_tombstones" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."replication_hints" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."replication_peers" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."replication_dead_letters" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."rivet_store" ENABLE ROW LEVEL SECURITY;

-- A new project opens every table to everyone by default.
REVOKE ALL ON "public"."session_memories", "public"."session_heads", "public"."session_tombstones", "public"."replication_hints", "public"."replication_peers", "public"."replication_dead_letters", "public"."rivet_store" FROM anon, authenticated, PUBLIC;

GRANT ALL ON "public"."session_memories", "public"."session_heads", "public"."session_tombstones", "public"."replication_hints", "public"."replication_peers", "public"."replication_dead_letters", "public"."rivet_store" TO service_role;

GRANT USAGE ON SCHEMA "public" TO authenticated, service_role;

GRANT SELECT, INSERT, DELETE ON "public"."session_memories" TO authenticated;

GRANT SELECT, INSERT, UPDATE ON "public"."session_heads" TO authenticated;

GRANT SELECT, INSERT, DELETE ON "public"."session_tombstones" TO authenticated;

GRANT INSERT ON "public"."replication_hints" TO authenticated;

GRANT SELECT ON "public"."replication_peers" TO authenticated;

DROP POLICY IF EXISTS rivet_own_select ON "public"."session_memories";

CREATE POLICY rivet_own_select ON "public"."session_memories" FOR SELECT TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_insert ON "public"."session_memories";

CREATE POLICY rivet_own_insert ON "public"."session_memories" FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_delete ON "public"."session_memories";

CREATE POLICY rivet_own_delete ON "public"."session_memories" FOR DELETE TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_function_insert ON "public"."session_memories";

CREATE POLICY rivet_function_insert ON "public"."session_memories" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_delete ON "public"."session_memories";

CREATE POLICY rivet_function_delete ON "public"."session_memories" AS RESTRICTIVE FOR DELETE TO authenticated
  USING ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_id_insert ON "public"."session_memories";

CREATE POLICY rivet_id_insert ON "public"."session_memories" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK (id::text ~ '^.{14}7.{4}[89ab]'
    AND ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint < extract(epoch FROM now() + interval '25 hours') * 1000);

DROP POLICY IF EXISTS rivet_own_select ON "public"."session_heads";

CREATE POLICY rivet_own_select ON "public"."session_heads" FOR SELECT TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_insert ON "public"."session_heads";

CREATE POLICY rivet_own_insert ON "public"."session_heads" FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_update ON "public"."session_heads";

CREATE POLICY rivet_own_update ON "public"."session_heads" FOR UPDATE TO authenticated
  USING ((SELECT auth.uid())::text = user_id)
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_free_select ON "public"."session_heads";

CREATE POLICY rivet_free_select ON "public"."session_heads" FOR SELECT TO authenticated
  USING (user_id = (SELECT CASE WHEN current_setting('rivet_memory.writing', true) = 'yes' THEN '' END));

DROP POLICY IF EXISTS rivet_free_insert ON "public"."session_heads";

CREATE POLICY rivet_free_insert ON "public"."session_heads" FOR INSERT TO authenticated
  WITH CHECK (user_id = '');

DROP POLICY IF EXISTS rivet_free_update ON "public"."session_heads";

CREATE POLICY rivet_free_update ON "public"."session_heads" FOR UPDATE TO authenticated
  USING (user_id = '')
  WITH CHECK (user_id = '');

DROP POLICY IF EXISTS rivet_function_insert ON "public"."session_heads";

CREATE POLICY rivet_function_insert ON "public"."session_heads" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_update ON "public"."session_heads";

CREATE POLICY rivet_function_update ON "public"."session_heads" AS RESTRICTIVE FOR UPDATE TO authenticated
  USING ((SELECT current_setting('rivet_memory.writing', true) = 'yes'))
  WITH CHECK ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_own_select ON "public"."session_tombstones";

CREATE POLICY rivet_own_select ON "public"."session_tombstones" FOR SELECT TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_insert ON "public"."session_tombstones";

CREATE POLICY rivet_own_insert ON "public"."session_tombstones" FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_own_delete ON "public"."session_tombstones";

CREATE POLICY rivet_own_delete ON "public"."session_tombstones" FOR DELETE TO authenticated
  USING ((SELECT auth.uid())::text = user_id);

DROP POLICY IF EXISTS rivet_function_insert ON "public"."session_tombstones";

CREATE POLICY rivet_function_insert ON "public"."session_tombstones" AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_delete ON "public"."session_tombstones";

CREATE POLICY rivet_function_delete ON "public"."session_tombstones" AS RESTRICTIVE FOR DELETE TO authenticated
  USING ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_insert ON "public"."replication_hints";

CREATE POLICY rivet_function_insert ON "public"."replication_hints" FOR INSERT TO authenticated
  WITH CHECK ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

DROP POLICY IF EXISTS rivet_function_select ON "public"."replication_peers";

CREATE POLICY rivet_function_select ON "public"."replication_peers" FOR SELECT TO authenticated
  USING ((SELECT current_setting('rivet_memory.writing', true) = 'yes'));

-- Locks the heads of sessions, those too that are not there yet, in the order in which everybody does. Gives those that
-- the caller may write to.
CREATE OR REPLACE FUNCTION "public".rivet_lock_heads(session_ids text[]) RETURNS text[]
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  locked text[] := ARRAY(
    SELECT session_id FROM "public"."session_heads" WHERE session_id = ANY (session_ids) ORDER BY session_id FOR UPDATE
  );
BEGIN
  IF cardinality(locked) = cardinality(session_ids) THEN
    RETURN locked;
  END IF;
  INSERT INTO "public"."session_heads" (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
    id_xor, history_xor, metadata, metadata_ids)
  SELECT session_id, '', now(), '00000000-0000-0000-0000-000000000000'::uuid, left('00000000-0000-0000-0000-000000000000'::uuid::text, 8), 0, 0, 0, B'0'::bit(128), B'0'::bit(128), '{}', '{}'
  FROM unnest(session_ids) AS given (session_id) ORDER BY session_id COLLATE "C"
  ON CONFLICT DO NOTHING;
  RETURN ARRAY(
    SELECT session_id FROM "public"."session_heads" WHERE session_id = ANY (session_ids) ORDER BY session_id FOR UPDATE
  );
END
$rivet$;

-- Those of the sessions that were deleted, whoever owned them: their ids are never used again. It looks past the
-- policies, and answers only to the functions that write.
CREATE OR REPLACE FUNCTION "public".rivet_deleted_sessions(session_ids text[]) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $rivet$
#variable_conflict use_column
BEGIN
  RETURN ARRAY(SELECT session_id FROM "public"."session_tombstones" WHERE session_id = ANY (session_ids) AND id = '00000000-0000-0000-0000-000000000000'::uuid AND (SELECT current_setting('rivet_memory.writing', true) = 'yes'));
END
$rivet$;

-- Folds changes of session metadata, those of the ids or all, into the heads: for each key the greatest id wins.
CREATE OR REPLACE FUNCTION "public".rivet_apply_metadata(session_ids text[], atom_ids uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
BEGIN
  UPDATE "public"."session_heads" AS head SET
    metadata = (head.metadata - folded.keys) || folded.entries,
    metadata_ids = head.metadata_ids || folded.ids
  FROM (
    SELECT session_id, array_agg(key) AS keys, jsonb_object_agg(key, id) AS ids,
      COALESCE(jsonb_object_agg(key, value) FILTER (WHERE is_set), '{}') AS entries
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, id, value, is_set
      FROM (
        -- A damaged change decides nothing.
        SELECT session_id, id, CASE WHEN jsonb_typeof(content -> 'set') = 'object'
          AND jsonb_typeof(content -> 'removed') = 'array'
          AND NOT jsonb_path_exists(content, '$.removed[*] ? (@.type() != "string")') THEN content END AS content
        FROM "public"."session_memories"
        WHERE session_id = ANY (session_ids) AND memory_type = 'session_metadata' AND memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool')
          AND (atom_ids IS NULL OR id = ANY (atom_ids))
      ) AS change
      CROSS JOIN LATERAL (
        SELECT key, value, true AS is_set FROM jsonb_each(content -> 'set')
        UNION ALL
        SELECT key, NULL, false FROM jsonb_array_elements_text(content -> 'removed') AS removed (key)
      ) AS entry
      ORDER BY session_id, key, id DESC, is_set DESC
    ) AS winner
    JOIN "public"."session_heads" AS head USING (session_id)
    WHERE id::text COLLATE "C" >= COALESCE(head.metadata_ids ->> key, '')
    GROUP BY session_id
  ) AS folded
  WHERE head.session_id = folded.session_id;
END
$rivet$;

-- Deletes atoms of a session whose head is locked, leaves a tombstone for each id, there or not, and writes the head that
-- follows. Gives how many were there.
CREATE OR REPLACE FUNCTION "public".rivet_bury_atoms(given_session_id text, ids uuid[], times timestamptz[]) RETURNS integer
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  gone record;
  last_id uuid;
BEGIN
  WITH buried AS (
    INSERT INTO "public"."session_tombstones" (session_id, id, deleted_at)
    SELECT given_session_id, id, COALESCE(deleted_at, now()) FROM unnest(ids, times) AS given (id, deleted_at)
    ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    INSERT INTO "public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM buried WHERE EXISTS (SELECT FROM "public"."replication_peers")
    ON CONFLICT DO NOTHING
  ), deleted AS (
    DELETE FROM "public"."session_memories" WHERE session_id = given_session_id AND id = ANY (ids)
    RETURNING id, memory_type, created_at
  )
  SELECT count(*)::integer AS atoms, (count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')))::integer AS messages,
    COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
    COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor,
    min(created_at) AS earliest, COALESCE(bool_or(memory_type = 'session_metadata'), false) AS has_metadata
  INTO gone FROM deleted;

  SELECT id INTO last_id FROM "public"."session_memories" WHERE session_id = given_session_id ORDER BY id DESC LIMIT 1;
  IF last_id IS NULL THEN
    UPDATE "public"."session_heads" SET user_id = '', last_atom_id = '00000000-0000-0000-0000-000000000000'::uuid, recency = left('00000000-0000-0000-0000-000000000000'::uuid::text, 8), message_count = 0, atom_count = 0, id_xor = B'0'::bit(128),
    history_xor = B'0'::bit(128), metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1 WHERE session_id = given_session_id;
    RETURN gone.atoms;
  END IF;
  UPDATE "public"."session_heads" SET last_atom_id = last_id, recency = left(last_id::text, 8), message_count = message_count - gone.messages,
    atom_count = atom_count - gone.atoms, id_xor = id_xor # gone.id_xor, history_xor = history_xor # gone.history_xor,
    -- Only when the earliest goes are all of them looked at.
    created_at = CASE WHEN created_at = gone.earliest
      THEN (SELECT min(created_at) FROM "public"."session_memories" WHERE session_id = given_session_id) ELSE created_at END,
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

-- Removes all of some sessions, whose heads are locked, and leaves the one tombstone that stands for each. Gives what
-- was removed.
CREATE OR REPLACE FUNCTION "public".rivet_bury_sessions(session_ids text[], times timestamptz[]) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  removed json := (
    SELECT json_build_object('sessions', count(*), 'atoms', COALESCE(sum(atom_count), 0),
      'messages', COALESCE(sum(message_count), 0))
    FROM "public"."session_heads" WHERE session_id = ANY (session_ids) AND atom_count > 0
  );
BEGIN
  WITH dug_up AS (
    DELETE FROM "public"."session_tombstones" WHERE session_id = ANY (session_ids) AND id <> '00000000-0000-0000-0000-000000000000'::uuid
  ), buried AS (
    INSERT INTO "public"."session_tombstones" (session_id, id, deleted_at)
    SELECT session_id, '00000000-0000-0000-0000-000000000000'::uuid, COALESCE(deleted_at, now()) FROM unnest(session_ids, times) AS given (session_id, deleted_at)
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    INSERT INTO "public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, true FROM buried WHERE EXISTS (SELECT FROM "public"."replication_peers")
    ON CONFLICT DO NOTHING
  )
  DELETE FROM "public"."session_memories" WHERE session_id = ANY (session_ids);
  UPDATE "public"."session_heads" SET user_id = '', last_atom_id = '00000000-0000-0000-0000-000000000000'::uuid, recency = left('00000000-0000-0000-0000-000000000000'::uuid::text, 8), message_count = 0, atom_count = 0, id_xor = B'0'::bit(128),
    history_xor = B'0'::bit(128), metadata = '{}', metadata_ids = '{}', deletion_count = deletion_count + 1 WHERE session_id = ANY (session_ids);
  RETURN removed;
END
$rivet$;

-- Deletes atoms by their ids, a whole session, or everything of a user, and leaves tombstones. What is somebody else's is
-- as if it were not there.
CREATE OR REPLACE FUNCTION "public".rivet_delete_atoms(given_session_id text DEFAULT NULL, given_user_id text DEFAULT NULL, ids uuid[] DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' SET statement_timeout = '55s' AS $rivet$
#variable_conflict use_column
DECLARE
  locked text[];
  removed json;
  atoms integer;
  messages integer;
BEGIN
  PERFORM set_config('rivet_memory.writing', 'yes', true);
  IF given_session_id IS NULL THEN
    locked := ARRAY(
    SELECT session_id FROM "public"."session_heads" WHERE user_id = given_user_id AND atom_count > 0 ORDER BY session_id FOR UPDATE
  );
  ELSE
    locked := ARRAY(
    SELECT session_id FROM "public"."session_heads" WHERE session_id = given_session_id AND (given_user_id IS NULL OR user_id = given_user_id) AND atom_count > 0 ORDER BY session_id FOR UPDATE
  );
  END IF;
  IF ids IS NULL OR cardinality(locked) = 0 THEN
    removed := "public".rivet_bury_sessions(locked, NULL);
  ELSE
    SELECT message_count INTO messages FROM "public"."session_heads" WHERE session_id = given_session_id;
    atoms := "public".rivet_bury_atoms(given_session_id, ids, NULL);
    removed := json_build_object('sessions', 0, 'atoms', atoms, 'messages',
      messages - (SELECT message_count FROM "public"."session_heads" WHERE session_id = given_session_id));
  END IF;
  PERFORM set_config('rivet_memory.writing', '', true);
  RETURN removed;
END
$rivet$;

-- Appends atoms to a session that is there, when its history is then the one that is foreseen. Otherwise it is refused,
-- and rivet_write_atoms finds out why.
CREATE OR REPLACE FUNCTION "public".rivet_append(atoms json, saved_session json) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  foreseen constant bit(128) := ('x' || replace((saved_session ->> 'foreseenHistoryXor')::text, '-', ''))::bit(128);
  done record;
  changed record;
BEGIN
  PERFORM set_config('rivet_memory.writing', 'yes', true);
  WITH inserted AS (
    INSERT INTO "public"."session_memories" SELECT saved_id, id, saved_user, memory_type, content::jsonb, metadata::jsonb, (timestamp '1970-01-01' + make_interval(days => (created_at_ms / 86400000)::integer, secs => (created_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + make_interval(days => (expires_at_ms / 86400000)::integer, secs => (expires_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC'
    FROM json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, memory_type, created_at
  )
  SELECT COALESCE(array_agg(id), '{}') AS ids, COALESCE(bool_or(memory_type = 'session_metadata'), false) AS has_metadata, min(created_at) AS created_at, max(id::text COLLATE "C")::uuid AS last_id,
      count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')) AS messages, count(*) AS atoms, COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
      COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor INTO done FROM inserted;

  UPDATE "public"."session_heads" AS head SET created_at = LEAST(head.created_at, done.created_at), last_atom_id = GREATEST(head.last_atom_id, done.last_id),
      recency = GREATEST(head.recency, left(done.last_id::text, 8)), message_count = head.message_count + done.messages,
      atom_count = head.atom_count + done.atoms, id_xor = head.id_xor # done.id_xor,
      history_xor = head.history_xor # done.history_xor
  WHERE session_id = saved_id AND user_id = saved_user AND atom_count > 0
  RETURNING history_xor, deletion_count INTO changed;
  IF changed.history_xor IS DISTINCT FROM foreseen OR done.atoms < json_array_length(atoms) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'the session is not as it was foreseen', DETAIL = json_build_object('sessionId', saved_id)::text;
  END IF;
  IF changed.deletion_count > 0 THEN
    -- What was deleted stays so, however late it comes.
    IF EXISTS (SELECT FROM "public"."session_tombstones" WHERE session_id = saved_id AND id = ANY (done.ids)) THEN
      RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'the session is not as it was foreseen', DETAIL = json_build_object('sessionId', saved_id)::text;
    END IF;
  END IF;

  IF EXISTS (SELECT FROM "public"."replication_peers") THEN
    INSERT INTO "public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, false FROM (SELECT saved_id AS session_id, id FROM unnest(done.ids) AS id) AS inserted WHERE EXISTS (SELECT FROM "public"."replication_peers")
    ON CONFLICT DO NOTHING;
  END IF;
  IF done.has_metadata THEN
    PERFORM "public".rivet_apply_metadata(ARRAY[saved_id], done.ids);
  END IF;
  PERFORM set_config('rivet_memory.writing', '', true);
END
$rivet$;

-- Appends atoms, and maintains the heads of their sessions. With a session, that one is saved, and the atoms are its: its
-- messages through an id are cleared first, and it is refused when its history is not the one that is expected. With
-- tombstones, also an empty list, the facts of another store are merged: tombstones come first and win, and what is late is
-- left out silently.
CREATE OR REPLACE FUNCTION "public".rivet_write_atoms(atoms json, saved_session json DEFAULT NULL, tombstones json DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  is_merge constant boolean := tombstones IS NOT NULL;
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  clear_through constant uuid := saved_session ->> 'clearThroughId';
  expected constant bit(128) := ('x' || replace((saved_session ->> 'expectedHistoryXor')::text, '-', ''))::bit(128);
  incoming "public"."session_memories"[];
  session_ids text[];
  locked text[];
  deleted text[];
  refused record;
  facts record;
  done record;
  version bit(128);
  version_after bit(128);
  removed integer := 0;
BEGIN
  PERFORM set_config('rivet_memory.writing', 'yes', true);
  incoming := ARRAY(
    SELECT ROW(COALESCE(session_id, saved_id), id, COALESCE(user_id, saved_user), memory_type, content::jsonb, metadata::jsonb, (timestamp '1970-01-01' + make_interval(days => (created_at_ms / 86400000)::integer, secs => (created_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + make_interval(days => (expires_at_ms / 86400000)::integer, secs => (expires_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC')::"public"."session_memories"
    FROM json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)
    ORDER BY 1
  );
  session_ids := ARRAY(
    SELECT session_id FROM unnest(incoming)
    UNION SELECT saved_id WHERE saved_id IS NOT NULL
    UNION SELECT session_id FROM json_to_recordset(tombstones) AS given (session_id text, id uuid, deleted_at_ms bigint)
  );
  locked := "public".rivet_lock_heads(session_ids);

  IF is_merge THEN
    deleted := "public".rivet_deleted_sessions(session_ids);
    SELECT array_agg(session_id) AS ids, array_agg((timestamp '1970-01-01' + make_interval(days => (deleted_at_ms / 86400000)::integer, secs => (deleted_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC') AS times INTO facts
    FROM json_to_recordset(tombstones) AS given (session_id text, id uuid, deleted_at_ms bigint) WHERE id = '00000000-0000-0000-0000-000000000000'::uuid AND session_id = ANY (locked) AND session_id <> ALL (deleted);
    IF facts.ids IS NOT NULL THEN
      removed := ("public".rivet_bury_sessions(facts.ids, facts.times) ->> 'atoms')::integer;
      deleted := deleted || facts.ids;
    END IF;
    FOR facts IN
      SELECT session_id, array_agg(id ORDER BY id) AS ids, array_agg((timestamp '1970-01-01' + make_interval(days => (deleted_at_ms / 86400000)::integer, secs => (deleted_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC' ORDER BY id) AS times
      FROM json_to_recordset(tombstones) AS given (session_id text, id uuid, deleted_at_ms bigint) WHERE id <> '00000000-0000-0000-0000-000000000000'::uuid AND session_id = ANY (locked) AND session_id <> ALL (deleted)
      GROUP BY session_id
    LOOP
      removed := removed + "public".rivet_bury_atoms(facts.session_id, facts.ids, facts.times);
    END LOOP;
    incoming := ARRAY(SELECT atom FROM unnest(incoming) AS atom WHERE session_id <> ALL (deleted));
  END IF;

  -- Who owns a session that is there, and whether one that has no atoms was deleted. What could not be locked is somebody
  -- else's.
  FOR refused IN
    SELECT wanted.session_id, wanted.session_id <> ALL (locked) OR atom_count > 0 AS is_foreign
    FROM (
      SELECT session_id, user_id FROM unnest(incoming)
      UNION SELECT saved_id, saved_user WHERE saved_id IS NOT NULL
      UNION SELECT session_id, NULL FROM unnest(session_ids) AS session_id WHERE session_id <> ALL (locked)
    ) AS wanted
    LEFT JOIN "public"."session_heads" AS head USING (session_id)
    WHERE wanted.session_id <> ALL (locked) OR atom_count = 0 OR head.user_id <> wanted.user_id
    ORDER BY session_id
  LOOP
    IF refused.is_foreign THEN
      RAISE EXCEPTION USING ERRCODE = 'RM002', MESSAGE = 'the session belongs to another user', DETAIL = json_build_object('sessionId', refused.session_id)::text;
    ELSIF "public".rivet_deleted_sessions(ARRAY[refused.session_id]) <> '{}' THEN
      RAISE EXCEPTION USING ERRCODE = 'RM003', MESSAGE = 'the session was deleted', DETAIL = json_build_object('sessionId', refused.session_id)::text;
    END IF;
  END LOOP;

  IF saved_id IS NOT NULL THEN
    SELECT history_xor INTO version FROM "public"."session_heads" WHERE session_id = saved_id;
    SELECT array_agg(id) AS ids INTO facts FROM "public"."session_memories"
    WHERE session_id = saved_id AND id <= clear_through AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool');
    IF facts.ids IS NOT NULL THEN
      removed := "public".rivet_bury_atoms(saved_id, facts.ids, NULL);
    END IF;
  END IF;

  WITH inserted AS (
    INSERT INTO "public"."session_memories" SELECT atom.* FROM unnest(incoming) AS atom
    WHERE NOT EXISTS (
      SELECT FROM "public"."session_tombstones" AS buried WHERE buried.session_id = atom.session_id AND buried.id = atom.id
    )
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, user_id, memory_type, created_at
  ), hinted AS (
    INSERT INTO "public"."replication_hints" (target, session_id, id, is_tombstone)
    SELECT '*', session_id, id, false FROM inserted WHERE EXISTS (SELECT FROM "public"."replication_peers")
    ON CONFLICT DO NOTHING
  ), added AS (
    SELECT session_id, min(user_id) AS user_id, min(created_at) AS created_at, max(id::text COLLATE "C")::uuid AS last_id,
      count(*) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool')) AS messages, count(*) AS atoms, COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)), B'0'::bit(128)) AS id_xor,
      COALESCE(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)) FILTER (WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata')), B'0'::bit(128)) AS history_xor FROM inserted GROUP BY session_id
  ), updated AS (
    UPDATE "public"."session_heads" AS head SET user_id = added.user_id,
      created_at = CASE WHEN atom_count = 0 THEN added.created_at ELSE LEAST(head.created_at, added.created_at) END,
      last_atom_id = GREATEST(head.last_atom_id, added.last_id),
      recency = GREATEST(head.recency, left(added.last_id::text, 8)), message_count = head.message_count + added.messages,
      atom_count = head.atom_count + added.atoms, id_xor = head.id_xor # added.id_xor,
      history_xor = head.history_xor # added.history_xor
    FROM added WHERE head.session_id = added.session_id
  )
  SELECT COALESCE(array_agg(id), '{}') AS ids, COALESCE(bool_or(memory_type = 'session_metadata'), false) AS has_metadata INTO done FROM inserted;
  SELECT history_xor INTO version_after FROM "public"."session_heads" WHERE session_id = saved_id;

  IF done.has_metadata THEN
    PERFORM "public".rivet_apply_metadata(session_ids, done.ids);
  END IF;

  IF cardinality(done.ids) < cardinality(incoming) THEN
    SELECT atom.session_id, atom.id INTO refused FROM unnest(incoming) AS atom JOIN "public"."session_memories" AS stored USING (session_id, id)
    WHERE (atom.user_id, atom.memory_type, atom.content, atom.metadata, atom.expires_at)
      IS DISTINCT FROM (stored.user_id, stored.memory_type, stored.content, stored.metadata, stored.expires_at)
    ORDER BY 1, 2 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RM001', MESSAGE = 'the atom exists with other content', DETAIL = json_build_object('sessionId', refused.session_id, 'id', refused.id)::text;
    END IF;
  END IF;

  IF expected IS NOT NULL AND version <> expected AND removed + cardinality(done.ids) > 0 THEN
    -- What the same write left here before its reply was lost is no change by somebody else.
    FOR refused IN
      SELECT id FROM unnest(incoming) AS atom JOIN "public"."session_memories" USING (session_id, id)
      WHERE atom.memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool', 'session_metadata') AND id <> ALL (done.ids) ORDER BY id DESC
    LOOP
      version := version # ('x' || replace(refused.id::text, '-', ''))::bit(128);
      EXIT WHEN version = expected;
    END LOOP;
    IF version <> expected THEN
      RAISE EXCEPTION USING ERRCODE = 'RM004', MESSAGE = 'the session was changed by another writer', DETAIL = json_build_object('sessionId', saved_id)::text;
    END IF;
  END IF;

  PERFORM set_config('rivet_memory.writing', '', true);
  RETURN json_build_object('written', cardinality(done.ids), 'removed', removed,
    'historyXor', encode(substr(bit_send(version_after), 5), 'hex')::uuid);
END
$rivet$;

-- Appends atoms of several sessions, of which none is there yet, and gives the versions of their histories by session.
-- Otherwise it is refused: it could not say whose atoms are new.
CREATE OR REPLACE FUNCTION "public".rivet_append_together(atoms json) RETURNS json
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  written constant integer := ("public".rivet_write_atoms(atoms) ->> 'written')::integer;
BEGIN
  IF written < json_array_length(atoms) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = 'some of the atoms are there already', DETAIL = json_build_object('sessionId', NULL)::text;
  END IF;
  RETURN (
    SELECT json_object_agg(session_id, encode(substr(bit_send(history_xor), 5), 'hex')::uuid) FROM "public"."session_heads"
    WHERE session_id IN (SELECT session_id FROM json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint))
  );
END
$rivet$;

-- How many rows of these sizes a page takes, one at least.
CREATE OR REPLACE FUNCTION "public".rivet_rows_that_fit(sizes integer[]) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  bytes bigint := 0;
BEGIN
  FOR position IN 1 .. LEAST(cardinality(sizes), 1000) LOOP
    IF bytes >= 2097152 THEN
      RETURN position - 1;
    END IF;
    bytes := bytes + sizes[position];
  END LOOP;
  RETURN LEAST(cardinality(sizes), 1000);
END
$rivet$;

-- As it was before atoms expired: what calls it finds the one below.
DROP FUNCTION IF EXISTS "public".rivet_select_atoms(text, text, text[], uuid[], uuid, uuid, boolean, integer);

-- A page of atoms. An index leads by the types of facts: each gives its own page, and the pages are merged. Messages are
-- read in the order of their ids, whatever their type.
CREATE OR REPLACE FUNCTION "public".rivet_select_atoms(given_session_id text, given_user_id text, memory_types text[], ids uuid[], after_id uuid,
  before_id uuid, is_newest_first boolean, row_limit integer, unexpired_at_ms bigint DEFAULT NULL,
  created_before_ms bigint DEFAULT NULL) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  ending constant text := format(' ORDER BY id %s LIMIT $7', CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END);
  source text := format('SELECT * FROM "public"."session_memories" WHERE id > $1 AND id < $2 %s %s %s %s %s',
    CASE WHEN unexpired_at_ms IS NOT NULL THEN 'AND (expires_at IS NULL OR expires_at > $9)' END,
    CASE WHEN created_before_ms IS NOT NULL THEN 'AND created_at < $10' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $4' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END,
    CASE WHEN ids IS NOT NULL THEN 'AND id = ANY ($5)' END);
  facts constant text[] := ARRAY(SELECT DISTINCT memory_type FROM unnest(memory_types) AS type (memory_type) WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool'));
  messages constant text[] := ARRAY(SELECT DISTINCT memory_type FROM unnest(memory_types) AS type (memory_type) WHERE memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool'));
  pages text[] := '{}';
  first_id constant uuid := COALESCE(after_id, '00000000-0000-0000-0000-000000000000'::uuid);
  last_id constant uuid := COALESCE(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  unexpired_at constant timestamptz := (timestamp '1970-01-01' + make_interval(days => (unexpired_at_ms / 86400000)::integer, secs => (unexpired_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC';
  created_before constant timestamptz := (timestamp '1970-01-01' + make_interval(days => (created_before_ms / 86400000)::integer, secs => (created_before_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC';
  sizes integer[];
  fitting integer;
  columns json;
BEGIN
  IF facts <> '{}' THEN
    pages := pages || format('SELECT page.* FROM unnest($6) AS type (name) CROSS JOIN LATERAL (%s AND memory_type = type.name
      AND memory_type NOT IN (''message_user'', ''message_assistant'', ''message_system'', ''message_tool'') %s) AS page %s', source, ending, ending);
  END IF;
  IF facts = '{}' OR messages <> '{}' THEN
    pages := pages || format('%s AND memory_type = ANY ($8) AND memory_type IN (''message_user'', ''message_assistant'', ''message_system'', ''message_tool'') %s', source, ending);
  END IF;
  IF memory_types IS NOT NULL THEN
    source := format('SELECT * FROM ((%s)) AS page', array_to_string(pages, ') UNION ALL ('));
  END IF;
  EXECUTE 'SELECT ARRAY(SELECT pg_column_size(content) + pg_column_size(metadata) FROM (' || source || ending || ') AS page)' INTO sizes
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, LEAST(row_limit, 1000 + 1), messages,
    unexpired_at, created_before;
  fitting := "public".rivet_rows_that_fit(sizes);
  EXECUTE format($page$SELECT json_build_array(COALESCE(json_agg(session_id ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(user_id ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(date_part('epoch', expires_at) * 1000 ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(id ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(memory_type ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(content::text ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(metadata::text ORDER BY id %1$s), '[]'),
      COALESCE(json_agg(date_part('epoch', created_at) * 1000 ORDER BY id %1$s), '[]')) FROM (%2$s) AS page$page$,
    CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END, source || ending) INTO columns
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, fitting, messages, unexpired_at, created_before;
  RETURN json_build_object('columns', columns, 'more', fitting < cardinality(sizes));
END
$rivet$;

-- A page of atoms that have expired, those that did first in front, and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_expired(at_ms bigint, given_user_id text, given_session_id text, after_expires_at_ms bigint,
  after_session_id text, after_id uuid, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  columns json;
BEGIN
  EXECUTE format($page$SELECT json_build_array(COALESCE(json_agg(session_id ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(json_agg(id ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(json_agg(memory_type ORDER BY expires_at, session_id, id), '[]'),
      COALESCE(json_agg(date_part('epoch', expires_at) * 1000 ORDER BY expires_at, session_id, id), '[]'))
    FROM (
      SELECT * FROM "public"."session_memories" WHERE expires_at <= $1 %s %s %s ORDER BY expires_at, session_id, id LIMIT $7
    ) AS page$page$,
    CASE WHEN after_id IS NOT NULL THEN 'AND (expires_at, session_id, id) > ($2, $3, $4)' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $5' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $6' END)
  INTO columns
  USING (timestamp '1970-01-01' + make_interval(days => (at_ms / 86400000)::integer, secs => (at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC', (timestamp '1970-01-01' + make_interval(days => (after_expires_at_ms / 86400000)::integer, secs => (after_expires_at_ms % 86400000) / 1000.0)) AT TIME ZONE 'UTC', after_session_id, after_id, given_user_id, given_session_id,
    LEAST(row_limit, 1000);
  RETURN json_build_object('columns', columns, 'more', row_limit > 1000 AND json_array_length(columns -> 0) = 1000);
END
$rivet$;

-- A session with a page of its messages, as of one moment; null when there is none. With last_messages they come newest
-- first, so many at most, and before the cursor; without, oldest first, from an id on, and after the cursor.
CREATE OR REPLACE FUNCTION "public".rivet_select_session(given_session_id text, given_user_id text, from_id uuid, last_messages integer,
  cursor_id uuid, is_whole boolean) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  head json := (
    SELECT json_build_array(session_id, user_id, date_part('epoch', created_at) * 1000, last_atom_id, message_count, atom_count, encode(substr(bit_send(id_xor), 5), 'hex')::uuid, encode(substr(bit_send(history_xor), 5), 'hex')::uuid, metadata::text, content::text) FROM (SELECT *, metadata_ids AS content FROM "public"."session_heads") AS head
    WHERE session_id = given_session_id AND atom_count > 0 AND (given_user_id IS NULL OR user_id = given_user_id)
  );
  first_id constant uuid := COALESCE(from_id, '00000000-0000-0000-0000-000000000000'::uuid);
  after_id constant uuid := COALESCE(cursor_id, '00000000-0000-0000-0000-000000000000'::uuid);
  before_id constant uuid := COALESCE(cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  sizes integer[] := '{}';
  fitting integer;
  columns json;
BEGIN
  IF head IS NULL THEN
    RETURN NULL;
  END IF;
  IF last_messages IS NULL THEN
    IF is_whole THEN
      fitting := last_messages;
    ELSE
      sizes := ARRAY(SELECT pg_column_size(content) + pg_column_size(metadata) FROM "public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id >= first_id AND id > after_id
      ORDER BY id ASC LIMIT LEAST(last_messages, 1000 + 1));
      fitting := "public".rivet_rows_that_fit(sizes);
    END IF;
    SELECT json_build_array(COALESCE(json_agg(id ORDER BY id ASC), '[]'),
      COALESCE(json_agg(memory_type ORDER BY id ASC), '[]'),
      COALESCE(json_agg(content::text ORDER BY id ASC), '[]'),
      COALESCE(json_agg(metadata::text ORDER BY id ASC), '[]'),
      COALESCE(json_agg(date_part('epoch', created_at) * 1000 ORDER BY id ASC), '[]')) INTO columns FROM (
      SELECT id, memory_type, content, metadata, created_at FROM "public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id >= first_id AND id > after_id
      ORDER BY id ASC LIMIT fitting
    ) AS page;
  ELSE
    IF is_whole THEN
      fitting := last_messages;
    ELSE
      sizes := ARRAY(SELECT pg_column_size(content) + pg_column_size(metadata) FROM "public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id < before_id
      ORDER BY id DESC LIMIT LEAST(last_messages, 1000 + 1));
      fitting := "public".rivet_rows_that_fit(sizes);
    END IF;
    SELECT json_build_array(COALESCE(json_agg(id ORDER BY id DESC), '[]'),
      COALESCE(json_agg(memory_type ORDER BY id DESC), '[]'),
      COALESCE(json_agg(content::text ORDER BY id DESC), '[]'),
      COALESCE(json_agg(metadata::text ORDER BY id DESC), '[]'),
      COALESCE(json_agg(date_part('epoch', created_at) * 1000 ORDER BY id DESC), '[]')) INTO columns FROM (
      SELECT id, memory_type, content, metadata, created_at FROM "public"."session_memories"
      WHERE session_id = given_session_id AND memory_type IN ('message_user', 'message_assistant', 'message_system', 'message_tool') AND id < before_id
      ORDER BY id DESC LIMIT fitting
    ) AS page;
  END IF;
  RETURN json_build_object('head', head, 'columns', columns, 'more', COALESCE(fitting < cardinality(sizes), false));
END
$rivet$;

-- A page of sessions: most recent first and before an atom id, or by session id and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_heads(given_user_id text, before_id uuid, after_session_id text, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  ordering constant text := CASE WHEN after_session_id IS NULL THEN 'recency DESC, last_atom_id DESC' ELSE 'session_id' END;
  source constant text := format('SELECT *, metadata_ids AS content FROM "public"."session_heads" WHERE atom_count > 0 AND %s %s ORDER BY %s LIMIT $4',
    CASE WHEN after_session_id IS NULL THEN 'recency <= left($1::text, 8) AND last_atom_id < $1' ELSE 'session_id > $2' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END, ordering);
  last_id constant uuid := COALESCE(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid);
  page json;
BEGIN
  EXECUTE format($page$
    WITH found AS MATERIALIZED (%2$s),
    sized (sizes) AS MATERIALIZED (SELECT ARRAY(SELECT pg_column_size(content) + pg_column_size(metadata) FROM found)),
    fitting (rows) AS MATERIALIZED (SELECT "public".rivet_rows_that_fit(sizes) FROM sized)
    SELECT json_build_object(
      'columns', (SELECT json_build_array(COALESCE(json_agg(session_id ORDER BY %1$s), '[]'),
      COALESCE(json_agg(user_id ORDER BY %1$s), '[]'),
      COALESCE(json_agg(date_part('epoch', created_at) * 1000 ORDER BY %1$s), '[]'),
      COALESCE(json_agg(last_atom_id ORDER BY %1$s), '[]'),
      COALESCE(json_agg(message_count ORDER BY %1$s), '[]'),
      COALESCE(json_agg(atom_count ORDER BY %1$s), '[]'),
      COALESCE(json_agg(encode(substr(bit_send(id_xor), 5), 'hex')::uuid ORDER BY %1$s), '[]'),
      COALESCE(json_agg(encode(substr(bit_send(history_xor), 5), 'hex')::uuid ORDER BY %1$s), '[]'),
      COALESCE(json_agg(metadata::text ORDER BY %1$s), '[]'),
      COALESCE(json_agg(content::text ORDER BY %1$s), '[]')) FROM (SELECT * FROM found LIMIT (SELECT rows FROM fitting)) AS page),
      'more', (SELECT rows < cardinality(sizes) FROM fitting, sized)
    )$page$, ordering, source) INTO page
  USING last_id, after_session_id, given_user_id, LEAST(row_limit, 1000 + 1);
  RETURN page;
END
$rivet$;

-- A page of tombstones, in the order of their keys and after one.
CREATE OR REPLACE FUNCTION "public".rivet_select_tombstones(given_session_id text, after_session_id text, after_id uuid, row_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = '' AS $rivet$
#variable_conflict use_column
DECLARE
  columns json;
BEGIN
  EXECUTE format($page$SELECT json_build_array(COALESCE(json_agg(session_id ORDER BY session_id, id), '[]'),
      COALESCE(json_agg(id ORDER BY session_id, id), '[]'),
      COALESCE(json_agg(date_part('epoch', deleted_at) * 1000 ORDER BY session_id, id), '[]'))
    FROM (
      SELECT * FROM "public"."session_tombstones" WHERE %s (session_id, id) > ($2, $3) ORDER BY session_id, id LIMIT $4
    ) AS page$page$, CASE WHEN given_session_id IS NOT NULL THEN 'session_id = $1 AND' END)
  INTO columns
  USING given_session_id, COALESCE(after_session_id, ''), COALESCE(after_id, '00000000-0000-0000-0000-000000000000'::uuid), LEAST(row_limit, 1000);
  RETURN json_build_object('columns', columns, 'more', row_limit > 1000 AND json_array_length(columns -> 0) = 1000);
END
$rivet$;

REVOKE ALL ON FUNCTION "public".rivet_lock_heads, "public".rivet_deleted_sessions, "public".rivet_apply_metadata, "public".rivet_bury_atoms, "public".rivet_bury_sessions, "public".rivet_delete_atoms, "public".rivet_append, "public".rivet_write_atoms, "public".rivet_append_together, "public".rivet_rows_that_fit, "public".rivet_select_atoms, "public".rivet_select_expired, "public".rivet_select_session, "public".rivet_select_heads, "public".rivet_select_tombstones, "public".rivet_own_tombstone FROM PUBLIC, anon;

GRANT EXECUTE ON FUNCTION "public".rivet_lock_heads, "public".rivet_deleted_sessions, "public".rivet_apply_metadata, "public".rivet_bury_atoms, "public".rivet_bury_sessions, "public".rivet_delete_atoms, "public".rivet_append, "public".rivet_write_atoms, "public".rivet_append_together, "public".rivet_rows_that_fit, "public".rivet_select_atoms, "public".rivet_select_expired, "public".rivet_select_session, "public".rivet_select_heads, "public".rivet_select_tombstones, "public".rivet_own_tombstone TO authenticated, service_role;

-- The API learns of what is new.
NOTIFY pgrst, 'reload schema';
