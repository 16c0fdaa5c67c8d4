import type { Queryable } from "./database.ts";

/** Whether `session_memories` of a schema without our other tables is the Python original's. */
export async function isLegacyTable(_client: Queryable, _schema: string): Promise<boolean> {
  return false;
}

/** Renames the Python original's table, and what of it would be in the way. */
export async function setLegacyTableAside(_client: Queryable, _schema: string): Promise<void> {}

/** Fills our tables from the one that was set aside. */
export async function adoptLegacyTable(_client: Queryable, _schema: string): Promise<void> {}
