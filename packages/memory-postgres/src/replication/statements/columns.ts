/** SQL fragments shared by several statements of replication. */
import { idOf, ownerText } from "@rivet/postgres-schema";

export const DELETED_AT_MS = `pg_catalog.date_part('epoch', deleted_at) * 1000::double precision AS "deletedAtMs"`;
export const OWNER = `${ownerText("owner")} AS owner`;
/** The column is an XOR of ids; the core writes it as one. */
export const idText = (bits: string): string => `${idOf(bits)}::pg_catalog.text`;
