/** Backends that take, or give, too little or too much of what stores tell one another. */
import {
  compareTombstones,
  MemoryError,
  UNKNOWN_OWNER,
  type AtomRow,
  type AtomSelection,
  type AtomWrite,
  type AtomWriteResult,
  type Facts,
  type HeadSelection,
  type Merged,
  type SessionHead,
  type Tombstone,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { StorageClass } from "./run-suite.ts";

class TakesAtomsThatWereDeleted extends InMemoryStorage {
  protected override async mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    const merged = await super.mergeFacts({ rows, tombstones: [] });
    const { removed } = await super.mergeFacts({ rows: [], tombstones: tombstones.slice(1) });
    return { ...merged, removed };
  }
}

class ForgetsTombstonesOfUnknownSessions extends InMemoryStorage {
  protected override async mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    const heads = await this.selectHeads({ order: "session-id", limit: 10_000 });
    const known = tombstones.filter(({ sessionId }) => heads.some((head) => head.sessionId === sessionId));
    return super.mergeFacts({ rows, tombstones: known });
  }
}

class MergesRowByRow extends InMemoryStorage {
  protected override async mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    let { inserted, removed } = await super.mergeFacts({ rows: [], tombstones });
    for (const row of rows) {
      const merged = await super.mergeFacts({ rows: [row], tombstones: [] });
      inserted += merged.inserted;
      removed += merged.removed;
    }
    return { inserted, removed };
  }
}

class HidesTombstones extends InMemoryStorage {
  protected override async selectTombstones(): Promise<Tombstone[]> {
    return [];
  }
}

class OrdersSessionsByUnits extends InMemoryStorage {
  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    if (selection.order !== "session-id") return super.selectHeads(selection);
    const all = await super.selectHeads({ ...selection, afterSessionId: undefined, limit: 10_000 });
    const { afterSessionId = "" } = selection;
    return all
      .filter(({ sessionId }) => sessionId > afterSessionId)
      .toSorted((left, right) => (left.sessionId < right.sessionId ? -1 : 1))
      .slice(0, selection.limit);
  }
}

class GivesAtomsWithoutMetadata extends InMemoryStorage {
  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    const rows = await super.selectAtoms(selection);
    return selection.ids === undefined ? rows : rows.filter(({ memoryType }) => memoryType !== "session_metadata");
  }
}

class BuriesForEverybody extends InMemoryStorage {
  protected override mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    return super.mergeFacts({ rows, tombstones: tombstones.map((each) => ({ ...each, owner: UNKNOWN_OWNER })) });
  }
}

class ForgetsOtherOwners extends InMemoryStorage {
  protected override mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    const unique = new Map(tombstones.toReversed().map((each) => [`${each.id} ${each.sessionId}`, each]));
    return super.mergeFacts({ rows, tombstones: [...unique.values()].toSorted(compareTombstones) });
  }
}

/** Takes what is refused because a session that lost its atoms is somebody else's. */
class FreesEmptiedSessions extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    try {
      return await super.writeAtoms(write);
    } catch (error) {
      const heads = await this.selectHeads({ order: "session-id", limit: 10_000 });
      const isThere = write.rows.some(({ sessionId }) => heads.some((head) => head.sessionId === sessionId));
      if (isThere || !MemoryError.isInstance(error) || error.code !== "permission") throw error;
      return { written: write.rows.length, acceptedBy: [this.backend], degraded: false };
    }
  }
}

export const REPLICATION_FAULTS: readonly StorageClass[] = [
  TakesAtomsThatWereDeleted,
  ForgetsTombstonesOfUnknownSessions,
  MergesRowByRow,
  HidesTombstones,
  OrdersSessionsByUnits,
  GivesAtomsWithoutMetadata,
  BuriesForEverybody,
  ForgetsOtherOwners,
  FreesEmptiedSessions,
];
