import type { Queryable } from "@rivet/db-manager";
import { headAfterDelete, SESSION_METADATA, type SessionHead } from "@rivet/memory-core";
import { bitsOfId } from "@rivet/postgres-schema";
import type { Statement } from "../statements/named-statements.ts";
import { milliseconds, text, toAtomRow, type TextRow } from "../statements/rows.ts";
import type { Store } from "../providers/store.ts";
import { timestampText } from "../statements/timestamps.ts";

/**
 * Writes the new head after a deletion, in the transaction that holds the head's lock.
 *
 * @param deleted `id` and `memoryType` of the deleted atoms.
 * @returns undefined if no atom is left.
 */
export async function bury(
  { statements, deletions }: Store,
  client: Queryable,
  { head, deletionCount }: { readonly head: SessionHead; readonly deletionCount: number },
  deleted: readonly TextRow[],
): Promise<SessionHead | undefined> {
  const { sessionId } = head;
  const atoms = deleted.map((row) => ({
    id: text(row, "id"),
    memoryType: text(row, "memoryType"),
    createdAtMs: milliseconds(row),
  }));
  const select = async (statement: Statement): Promise<readonly TextRow[]> =>
    (await client.query<TextRow>(statement, [sessionId], { asText: true })).rows;

  const [last] = await select(statements.change.selectLastAtomId());
  const isMetadataDeleted = atoms.some(({ memoryType }) => memoryType === SESSION_METADATA);
  const metadataLeft = isMetadataDeleted ? (await select(statements.read.selectMetadata())).map(toAtomRow) : [];
  const isEarliestDeleted = atoms.some(({ createdAtMs }) => createdAtMs === head.createdAtMs);
  const [earliest] = isEarliestDeleted && last !== undefined ? await select(statements.change.selectEarliest()) : [];
  const next = headAfterDelete(head, atoms, {
    lastAtomId: last === undefined ? undefined : text(last, "id"),
    earliestMs: () => (earliest === undefined ? head.createdAtMs : milliseconds(earliest)),
    metadata: () => metadataLeft,
  });
  if (next === undefined) {
    await client.query(statements.change.emptyHeads(), [[sessionId]]);
  } else {
    const { userId, createdAtMs, lastAtomId, messageCount, atomCount, idXor, historyXor, metadata, metadataIds } = next;
    const counts = [userId, lastAtomId, messageCount, atomCount];
    const digests = [bitsOfId(idXor), bitsOfId(historyXor)];
    const values = [sessionId, ...counts, ...digests, metadata, metadataIds, timestampText(createdAtMs)];
    await client.query(statements.change.updateHeadAfterDelete(), values);
  }
  deletions.learn(sessionId, deletionCount + 1);
  return next;
}
