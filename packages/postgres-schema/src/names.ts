export const DEFAULT_SCHEMA = "public";

/** The tables' names, quoted and with their schema, ready to stand in SQL. */
export interface TableNames {
  /** The schema alone, quoted. */
  readonly schema: string;
  readonly memories: string;
  readonly heads: string;
  readonly tombstones: string;
  readonly hints: string;
  readonly peers: string;
  readonly deadLetters: string;
  readonly store: string;
}

/**
 * @example
 * tableNames("agent").memories; // "agent"."session_memories"
 */
export function tableNames(schema: string = DEFAULT_SCHEMA): TableNames {
  const table = (name: string): string => `${quoteName(schema)}.${quoteName(name)}`;
  return {
    schema: quoteName(schema),
    memories: table("session_memories"),
    heads: table("session_heads"),
    tombstones: table("session_tombstones"),
    hints: table("replication_hints"),
    peers: table("replication_peers"),
    deadLetters: table("replication_dead_letters"),
    store: table("rivet_store"),
  };
}

/** The longest name, because PostgreSQL silently truncates longer ones. */
export const MAX_NAME_BYTES = 63;

/**
 * The schema to which a Supabase project's migration moves the tables: `rivet_` and the name of the schema that the API
 * shows, which keeps the functions.
 *
 * @returns undefined where that would be longer than a name may be.
 * @example
 * hiddenSchemaOf("public"); // "rivet_public"
 */
export function hiddenSchemaOf(schema: string): string | undefined {
  const name = `rivet_${schema}`;
  return new TextEncoder().encode(name).length <= MAX_NAME_BYTES ? name : undefined;
}

/** A UUID, or an XOR of them, as PostgreSQL reads the 128 bits of `id_xor` and `history_xor`. */
export function bitsOfId(id: string): string {
  return `x${id.replaceAll("-", "")}`;
}

/** The same of an SQL expression, as another one. */
export function bitsOf(id: string): string {
  return `('x' || pg_catalog.replace(${id}::pg_catalog.text, '-', ''))::bit(128)`;
}

/** The UUID of 128 bits: the inverse of {@link bitsOf}. */
export function idOf(bits: string): string {
  return `pg_catalog.encode(pg_catalog.substr(pg_catalog.bit_send(${bits}), 5), 'hex')::pg_catalog.uuid`;
}

/** The value of `session_heads.recency` that goes with a `last_atom_id`: an SQL expression. */
export function recencyOf(lastAtomId: string): string {
  return `pg_catalog.left(${lastAtomId}::pg_catalog.text, 8)`;
}

/** The bytes of `ownerOf` of the core, for a user id: an SQL expression, as is the argument. */
export function ownerOfUser(userId: string): string {
  return `pg_catalog.sha256(pg_catalog.convert_to(${userId}, 'UTF8'))`;
}

/** The owner of a tombstone as its column has it, of the text that the core knows. */
export function ownerFromText(owner: string): string {
  return `pg_catalog.decode(${owner}, 'hex')`;
}

/** The inverse of {@link ownerFromText}. */
export function ownerText(owner: string): string {
  return `pg_catalog.encode(${owner}, 'hex')`;
}

/** The owner of tombstones that concern everybody: `UNKNOWN_OWNER` of the core. */
export const NO_OWNER = "''::pg_catalog.bytea";

/** Quotes a name, so that SQL takes any characters literally. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
