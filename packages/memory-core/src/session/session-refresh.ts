import { NIL_ID } from "../atom/atom-id.ts";
import { MemoryError } from "../errors/errors.ts";
import { isConcerned } from "../backend/owner.ts";
import { STREAM_PAGE } from "../storage/query.ts";
import { allPages } from "../replication/merge-join.ts";
import { encodeText } from "../atom/serialization.ts";
import type { SessionLog } from "./session-log.ts";
import type { SessionRow, SessionSelection, Tombstone, TombstoneSelection } from "../backend/storage-hooks.ts";

/** The hooks of a storage that a refresh needs. */
export interface RefreshHooks {
  readonly selectSession: (selection: SessionSelection) => Promise<SessionRow | undefined>;
  readonly selectTombstones: (selection: TombstoneSelection) => Promise<readonly Tombstone[]>;
}

/**
 * Reads the changes that others made to a session into its log. Messages that a store does not return are kept unless
 * they have a tombstone, because the store may not have received them yet.
 *
 * @returns whether the store returned the session.
 * @throws {MemoryError} `not_found` for a session that was deleted, or never saved.
 */
export async function pullChanges(log: SessionLog, hooks: RefreshHooks): Promise<boolean> {
  const [sessionId, userId] = [encodeText(log.sessionId), encodeText(log.userId)];
  const row = await hooks.selectSession({ sessionId, userId, fromId: log.loadedFromId });
  const missing = log.missingIn(row?.messages ?? []);
  const lacking =
    missing.length === 0 ? new Set<string>() : await withoutTombstone({ sessionId, userId }, missing, hooks);
  if (row === undefined && lacking !== undefined && lacking.size > 0) return false;
  // The session may have been deleted after the row was read.
  if (row === undefined || lacking === undefined) {
    throw new MemoryError({
      code: "not_found",
      message: `session ${JSON.stringify(log.sessionId)} is not stored: it was deleted, or never saved`,
      sessionId: log.sessionId,
    });
  }
  log.absorb(row, lacking);
  return true;
}

/** The ids without a tombstone for the user, as far as the store knows; undefined when the session was deleted. */
async function withoutTombstone(
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
  ids: readonly string[],
  { selectTombstones }: RefreshHooks,
): Promise<Set<string> | undefined> {
  const left = new Set(ids);
  const select = (after: Tombstone | undefined, limit: number): Promise<readonly Tombstone[]> =>
    selectTombstones({ sessionId, after, limit });
  for await (const { id, owner } of allPages(select, STREAM_PAGE)) {
    if (!isConcerned(owner, userId)) continue;
    if (id === NIL_ID) return undefined;
    left.delete(id);
  }
  return left;
}
