import { NIL_ID } from "../atom/atom-id.ts";
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import { xorIds } from "../backend/id-xor.ts";
import type { SessionHead } from "../backend/head.ts";
import { digestOfTombstone } from "../backend/owner.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type {
  AtomSelection,
  Facts,
  HeadSelection,
  Merged,
  Tombstone,
  TombstoneSelection,
} from "../backend/storage-hooks.ts";
import { allPages, compareBytes, mergeJoin } from "./merge-join.ts";
import type { RangeDigest, Replica, SessionDigest, SessionRange } from "./replica.ts";
import { digestOf } from "./session-digest.ts";

/** The hooks of a storage that replication needs. */
interface ReplicaHooks {
  readonly selectAtoms: (selection: AtomSelection) => Promise<readonly AtomRow[]>;
  readonly selectHeads: (selection: HeadSelection) => Promise<readonly SessionHead[]>;
  readonly selectTombstones: (selection: TombstoneSelection) => Promise<readonly Tombstone[]>;
  readonly merge: (facts: Facts) => Promise<Merged>;
  readonly finishErasure: () => Promise<readonly ErasureResidue[]>;
}

const PAGE = 500;

/** A replica built on a storage's hooks. It computes digests in this process, which is affordable for a local store. */
export class HookReplica implements Replica {
  readonly name: string;
  readonly #hooks: ReplicaHooks;

  constructor(name: string, hooks: ReplicaHooks) {
    this.name = name;
    this.#hooks = hooks;
  }

  async rangesAfter(sessionId: string, rangeSessions: number, limit: number): Promise<RangeDigest[]> {
    const ranges: RangeDigest[] = [];
    let sessions: SessionDigest[] = [];
    const close = async (): Promise<void> => {
      const last = sessions.at(-1);
      if (last !== undefined) ranges.push({ through: last.sessionId, digest: await digestOf(sessions) });
      sessions = [];
    };
    for await (const session of this.#digests({ after: sessionId })) {
      if (sessions.push(session) < rangeSessions) continue;
      await close();
      if (ranges.length === limit) return ranges;
    }
    await close();
    return ranges;
  }

  async digestsOf(ranges: readonly SessionRange[]): Promise<string[]> {
    const digests: string[] = [];
    for (const range of ranges) {
      const sessions: SessionDigest[] = [];
      for await (const session of this.#digests(range)) sessions.push(session);
      digests.push(await digestOf(sessions));
    }
    return digests;
  }

  async sessions(range: SessionRange, limit: number): Promise<SessionDigest[]> {
    const sessions: SessionDigest[] = [];
    for await (const session of this.#digests(range)) if (sessions.push(session) === limit) break;
    return sessions;
  }

  async atomIds(sessionId: string, beforeId: string | undefined, limit: number): Promise<string[]> {
    const rows = await this.#hooks.selectAtoms({ sessionId, beforeId, order: "newest-first", limit });
    return rows.map(({ id }) => id);
  }

  async atoms(sessionId: string, ids: readonly string[]): Promise<readonly AtomRow[]> {
    return this.#hooks.selectAtoms({ sessionId, ids, order: "oldest-first", limit: ids.length });
  }

  async atomsAfter(sessionId: string, afterId: string | undefined, limit: number): Promise<readonly AtomRow[]> {
    return this.#hooks.selectAtoms({ sessionId, afterId, order: "oldest-first", limit });
  }

  async tombstonesAfter(
    sessionId: string,
    after: Pick<Tombstone, "id" | "owner"> | undefined,
    limit: number,
  ): Promise<readonly Tombstone[]> {
    return this.#hooks.selectTombstones({ sessionId, after: after && { ...after, sessionId }, limit });
  }

  finishErasure(): Promise<readonly ErasureResidue[]> {
    return this.#hooks.finishErasure();
  }

  merge(facts: Facts): Promise<Merged> {
    return this.#hooks.merge(facts);
  }

  /** The digests of all sessions that have a head, a tombstone, or both. */
  async *#digests({ after, through }: SessionRange): AsyncGenerator<SessionDigest> {
    const compare = (left: SessionDigest, right: SessionDigest): number =>
      compareBytes(left.sessionId, right.sessionId);
    for await (const [head, buried] of mergeJoin(this.#ofHeads(after), this.#ofTombstones(after), compare)) {
      const session = head ?? buried;
      if (session === undefined) continue;
      if (through !== undefined && compareBytes(session.sessionId, through) > 0) return;
      const { tombstoneCount, tombstoneXor } = buried ?? session;
      yield { ...session, tombstoneCount, tombstoneXor };
    }
  }

  async *#ofHeads(after: string): AsyncGenerator<SessionDigest> {
    const select = (last: SessionHead | undefined, limit: number): Promise<readonly SessionHead[]> =>
      this.#hooks.selectHeads({ order: "session-id", afterSessionId: last?.sessionId ?? after, limit });
    for await (const { sessionId, atomCount, idXor } of allPages(select, PAGE)) {
      yield { ...nothingOf(sessionId), atomCount, idXor };
    }
  }

  async *#ofTombstones(after: string): AsyncGenerator<SessionDigest> {
    const select = (last: Tombstone | undefined, limit: number): Promise<readonly Tombstone[]> =>
      this.#hooks.selectTombstones({ after: last ?? { sessionId: after, id: AFTER_EVERY_ID, owner: "" }, limit });
    let session: SessionDigest | undefined;
    for await (const tombstone of allPages(select, PAGE)) {
      const { sessionId } = tombstone;
      if (session !== undefined && session.sessionId !== sessionId) {
        yield session;
        session = undefined;
      }
      session ??= nothingOf(sessionId);
      const tombstoneXor = xorIds([session.tombstoneXor, digestOfTombstone(tombstone)]);
      session = { ...session, tombstoneCount: session.tombstoneCount + 1, tombstoneXor };
    }
    if (session !== undefined) yield session;
  }
}

const AFTER_EVERY_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

function nothingOf(sessionId: string): SessionDigest {
  return { sessionId, atomCount: 0, idXor: NIL_ID, tombstoneCount: 0, tombstoneXor: NIL_ID };
}
