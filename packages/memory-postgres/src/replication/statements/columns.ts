/** What several statements of replication say in the same words. */

export const DELETED_AT_MS = `date_part('epoch', deleted_at) * 1000 AS "deletedAtMs"`;
/** The column is an XOR of ids; the core writes it as one. */
export const idText = (bits: string): string => `encode(substr(bit_send(${bits}), 5), 'hex')::uuid::text`;
export const bitsOf = (id: string): string => `('x' || replace(${id}::text, '-', ''))::bit(128)`;
