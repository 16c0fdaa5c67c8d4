/**
 * The tables, as numbered steps: `PRAGMA user_version` counts those that a file has. A step that shipped never changes.
 */

/** `PRAGMA application_id` of our files ("RvMe"): a file of another application is left alone. */
export const APPLICATION_ID = 0x52764d65;

/** The function `ownerOf` of the core, by the name that migrations call it by. */
export const OWNER_FUNCTION = "rivet_owner_of";

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE session_memories (
    session_id  TEXT NOT NULL,
    id          TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    memory_type TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON
    metadata    TEXT NOT NULL, -- JSON
    created_at  INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (session_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX session_memories_by_user ON session_memories (user_id, memory_type, id);

  -- Session metadata and the user's own atoms, few among many messages: appending a message does not touch this index.
  CREATE INDEX session_memories_facts ON session_memories (session_id, memory_type, id)
    WHERE memory_type NOT IN ('message_user', 'message_assistant', 'message_system', 'message_tool');

  CREATE TABLE session_heads (
    session_id    TEXT NOT NULL PRIMARY KEY,
    user_id       TEXT NOT NULL,
    created_at    INTEGER NOT NULL, -- milliseconds since 1970
    last_atom_id  TEXT NOT NULL,
    message_count INTEGER NOT NULL,
    atom_count    INTEGER NOT NULL,
    id_xor        TEXT NOT NULL,
    history_xor   TEXT NOT NULL,
    metadata      TEXT NOT NULL, -- JSON: the current metadata
    metadata_ids  TEXT NOT NULL -- JSON: for each key, the atom that decided it
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX session_heads_by_user ON session_heads (user_id, last_atom_id DESC);

  -- The nil UUID as id stands for the whole session.
  CREATE TABLE session_tombstones (
    session_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    deleted_at INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (session_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE replication_hints (
    target     TEXT NOT NULL,
    session_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    PRIMARY KEY (target, session_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rivet_store (
    store_uuid     TEXT NOT NULL PRIMARY KEY,
    schema_version INTEGER NOT NULL,
    heartbeat      INTEGER NOT NULL -- milliseconds since 1970
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Atoms on their way to other stores. It is one tree, so that taking an atom costs what writing it costs.
  CREATE TABLE session_journal (
    target      TEXT NOT NULL, -- the stores that have not got it, as a JSON array; * for all
    session_id  TEXT NOT NULL,
    id          TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    memory_type TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON
    metadata    TEXT NOT NULL, -- JSON
    created_at  INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (target, session_id, id)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE session_memories ADD COLUMN expires_at INTEGER; -- milliseconds since 1970; null for never
  ALTER TABLE session_journal ADD COLUMN expires_at INTEGER;

  CREATE INDEX session_memories_expiring ON session_memories (expires_at, session_id, id) WHERE expires_at IS NOT NULL;
  `,
  `
  -- The messages of a turn stand next to each other in an index in the order of ids, and on two pages in one that leads by type.
  DROP INDEX session_memories_by_user;
  CREATE INDEX session_memories_by_user ON session_memories (user_id, id);

  -- SQLite makes a table of its own for each list of NOT IN, in each statement that inserts.
  DROP INDEX session_memories_facts;
  CREATE INDEX session_memories_facts ON session_memories (session_id, memory_type, id)
    WHERE memory_type <> 'message_user' AND memory_type <> 'message_assistant' AND memory_type <> 'message_system'
      AND memory_type <> 'message_tool';
  CREATE INDEX session_memories_facts_by_user ON session_memories (user_id, memory_type, id)
    WHERE memory_type <> 'message_user' AND memory_type <> 'message_assistant' AND memory_type <> 'message_system'
      AND memory_type <> 'message_tool';
  `,
  `
  -- How many transactions have removed something, and how many of them have left nothing in the free room of the file and in
  -- its log. What an older version has removed may still be there.
  ALTER TABLE rivet_store ADD COLUMN erasures INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE rivet_store ADD COLUMN ended_erasures INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- A tombstone concerns the atoms of its owner alone. Where the head of its session still names the user, that is whose it is;
  -- one without an owner concerns everybody.
  CREATE TABLE owned_tombstones (
    session_id TEXT NOT NULL,
    id         TEXT NOT NULL, -- the nil UUID stands for the whole session
    owner      TEXT NOT NULL, -- the SHA-256 of the user id, in hexadecimal digits; empty when nobody knows it any more
    deleted_at INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (session_id, id, owner)
  ) STRICT, WITHOUT ROWID;

  INSERT INTO owned_tombstones (session_id, id, owner, deleted_at)
  SELECT session_id, id, CASE WHEN user_id IS NULL THEN '' ELSE ${OWNER_FUNCTION}(user_id) END, deleted_at
  FROM session_tombstones LEFT JOIN session_heads USING (session_id);

  DROP TABLE session_tombstones;
  ALTER TABLE owned_tombstones RENAME TO session_tombstones;

  -- From now on a head outlives the atoms of its session: with atom_count 0 it only says whose the session is, or, with an empty
  -- user_id, that it was deleted.
  `,
];

/**
 * The version of the tables that this package creates and expects; a file says in `PRAGMA user_version` which it has.
 */
export const SCHEMA_VERSION = MIGRATIONS.length;
