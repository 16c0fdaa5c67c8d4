import { setTimeout as delay } from "node:timers/promises";
import type {
  AtomRow,
  AtomSelection,
  AtomWrite,
  AtomWriteResult,
  Deletion,
  DeletionResult,
  ExpiredAtom,
  ExpiredSelection,
  Facts,
  HeadSelection,
  Merged,
  SessionHead,
  SessionRow,
  SessionSelection,
  Tombstone,
  TombstoneSelection,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";

const LATE_MS = 20;

/** A storage whose store answers late, and keeps no process alive: as a server behind an unreferenced socket. */
export class LateStorage extends InMemoryStorage {
  protected override openBackend(): Promise<void> {
    return late(() => super.openBackend());
  }
  protected override closeBackend(): Promise<void> {
    return late(() => super.closeBackend());
  }
  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return late(() => super.writeAtoms(write));
  }
  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    return late(() => super.deleteAtoms(deletion));
  }
  protected override mergeFacts(facts: Facts): Promise<Merged> {
    return late(() => super.mergeFacts(facts));
  }
  protected override selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return late(() => super.selectAtoms(selection));
  }
  protected override selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    return late(() => super.selectSession(selection));
  }
  protected override selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    return late(() => super.selectHeads(selection));
  }
  protected override selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return late(() => super.selectExpired(selection));
  }
  protected override selectTombstones(selection: TombstoneSelection): Promise<Tombstone[]> {
    return late(() => super.selectTombstones(selection));
  }

  /** A method that only this backend has. */
  async ask(): Promise<void> {
    await this.runOperation("ask", "read", () => late(async () => undefined));
  }
}

async function late<Result>(answer: () => Promise<Result>): Promise<Result> {
  await delay(LATE_MS, undefined, { ref: false });
  return answer();
}
