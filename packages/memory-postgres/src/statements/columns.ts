/** SQL fragments shared by several statements. */
import { MESSAGE_TYPES, NIL_ID } from "@rivet/memory-core";

// These are constants of the core, never input. They are part of the text so that the planner can match them with the
// condition of the index on facts.
const MESSAGE_LIST = MESSAGE_TYPES.map((type) => `'${type}'`).join(", ");
export const IS_MESSAGE = `memory_type IN (${MESSAGE_LIST})`;
export const IS_FACT = `memory_type NOT IN (${MESSAGE_LIST})`;
export const NIL = `'${NIL_ID}'::pg_catalog.uuid`;

/** The XOR of no ids. */
export const NO_BITS = "B'0'::bit(128)";

export const CREATED_AT_MS = `pg_catalog.date_part('epoch', created_at) * 1000::double precision AS "createdAtMs"`;
export const EXPIRES_AT_MS = `pg_catalog.date_part('epoch', expires_at) * 1000::double precision AS "expiresAtMs"`;
export const ATOM_COLUMNS = `session_id AS "sessionId", id, user_id AS "userId", memory_type AS "memoryType", content, metadata,
    ${CREATED_AT_MS}, ${EXPIRES_AT_MS}`;
export const HEAD_COLUMNS = `session_id AS "sessionId", user_id AS "userId", ${CREATED_AT_MS}, last_atom_id AS "lastAtomId",
    message_count AS "messageCount", atom_count AS "atomCount", id_xor AS "idXor", history_xor AS "historyXor",
    metadata, metadata_ids AS "metadataIds"`;

export const HEAD_TARGETS = `session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
  id_xor, history_xor, metadata, metadata_ids`;
