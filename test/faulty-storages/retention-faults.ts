/** Backends that return what has expired, lose when it does, or prune too much or too little. */
import {
  NIL_ID,
  UNKNOWN_OWNER,
  type AtomRow,
  type AtomSelection,
  type Deletion,
  type DeletionResult,
  type ExpiredAtom,
  type ExpiredSelection,
  type Facts,
  type Merged,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { StorageClass } from "./run-suite.ts";

class FiltersExpiredAfterThePage extends InMemoryStorage {
  protected override async selectAtoms({ unexpiredAtMs, ...selection }: AtomSelection): Promise<AtomRow[]> {
    const rows = await super.selectAtoms(selection);
    return rows.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > (unexpiredAtMs ?? -Infinity));
  }
}

class HidesExpiredFromReplication extends InMemoryStorage {
  protected override selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return super.selectAtoms({ unexpiredAtMs: this.clock.wallTimeMs(), ...selection });
  }
}

class LosesExpiryOnTheWay extends InMemoryStorage {
  protected override mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    return super.mergeFacts({ rows: rows.map((row) => ({ ...row, expiresAtMs: null })), tombstones });
  }
}

class PrunesExpiredOfAnybody extends InMemoryStorage {
  protected override selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return super.selectExpired({ ...selection, userId: undefined, sessionId: undefined });
  }

  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    return super.deleteAtoms(deletion.scope === "atoms" ? { ...deletion, userId: undefined } : deletion);
  }
}

class PrunesOnePageOfExpired extends InMemoryStorage {
  protected override async selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return selection.after === undefined ? super.selectExpired(selection) : [];
  }
}

class DeletesSessionsThatItEmpties extends InMemoryStorage {
  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    const result = await super.deleteAtoms(deletion);
    if (deletion.scope === "atoms" && (await this.selectSession(deletion)) === undefined) {
      const { sessionId } = deletion;
      const tombstone = { sessionId, id: NIL_ID, owner: UNKNOWN_OWNER, deletedAtMs: 0 };
      await this.mergeFacts({ rows: [], tombstones: [tombstone] });
    }
    return result;
  }
}

export const RETENTION_FAULTS: readonly StorageClass[] = [
  FiltersExpiredAfterThePage,
  HidesExpiredFromReplication,
  LosesExpiryOnTheWay,
  PrunesExpiredOfAnybody,
  PrunesOnePageOfExpired,
  DeletesSessionsThatItEmpties,
];
