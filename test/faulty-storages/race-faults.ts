/** Backends that are wrong only when calls overlap, or after a reply was lost. */
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import {
  changedSession,
  MemoryError,
  NIL_ID,
  type AtomWrite,
  type AtomWriteResult,
  type HeadSelection,
  type MemoryErrorCode,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { StorageClass } from "./run-suite.ts";

class ChecksTheVersionBeforeItWrites extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    if (write.session?.expectedHistoryXor === undefined) return super.writeAtoms(write);
    const { expectedHistoryXor, ...session } = write.session;
    const stored = await this.selectSession({ sessionId: session.sessionId });
    if ((stored?.head.historyXor ?? NIL_ID) !== expectedHistoryXor) return super.writeAtoms(write);
    await turnOfEventLoop();
    return super.writeAtoms({ ...write, session });
  }
}

class TakesItsOwnRowsForAnothersChange extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const { sessionId, expectedHistoryXor } = write.session ?? {};
    if (sessionId !== undefined && expectedHistoryXor !== undefined) {
      const stored = await this.selectSession({ sessionId });
      const version = stored?.head.historyXor ?? NIL_ID;
      if (version !== expectedHistoryXor) throw changedSession({ sessionId });
    }
    return super.writeAtoms(write);
  }
}

/** Looks first and writes later: what fails in between is told as a success. */
abstract class LosesRaces extends InMemoryStorage {
  protected abstract readonly untold: MemoryErrorCode;
  protected abstract isFree(write: AtomWrite): Promise<boolean>;

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const isFree = await this.isFree(write);
    await turnOfEventLoop();
    try {
      return await super.writeAtoms(write);
    } catch (error) {
      if (!isFree || !MemoryError.isInstance(error) || error.code !== this.untold) throw error;
      return { written: write.rows.length, acceptedBy: [this.backend], degraded: false };
    }
  }
}

class LosesRacesForAnId extends LosesRaces {
  protected override readonly untold = "conflict";

  protected override async isFree({ rows }: AtomWrite): Promise<boolean> {
    const [row] = rows;
    if (row === undefined) return false;
    const stored = await this.selectAtoms({ sessionId: row.sessionId, order: "newest-first", limit: 1_000 });
    return !stored.some(({ id }) => rows.some((each) => each.id === id));
  }
}

class LosesRacesForASession extends LosesRaces {
  protected override readonly untold = "permission";

  protected override async isFree({ rows }: AtomWrite): Promise<boolean> {
    const [row] = rows;
    return row !== undefined && (await this.selectSession({ sessionId: row.sessionId })) === undefined;
  }
}

class ClosesWithoutWaiting extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    for (let turn = 0; turn < 5; turn++) await turnOfEventLoop();
    return super.writeAtoms(write);
  }

  override async close(): Promise<void> {
    // It closes all the same, and to those who call later it is closed: only nobody waits.
    void super.close();
  }
}

class TakesTheLastWrittenForTheLast extends InMemoryStorage {
  readonly #lastWritten = new Map<string, string>();

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const result = await super.writeAtoms(write);
    for (const { sessionId, id } of write.rows) this.#lastWritten.set(sessionId, id);
    return result;
  }

  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    const heads = await super.selectHeads(selection);
    return heads.map((head) => ({ ...head, lastAtomId: this.#lastWritten.get(head.sessionId) ?? head.lastAtomId }));
  }
}

/** Keeps no version of its own: a session object does not hear what its save made of it. */
class ForgetsTheVersion extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const { historyXor: _, ...result } = await super.writeAtoms(write);
    return result;
  }
}

class RefreshesFromTheStart extends InMemoryStorage {
  protected override selectSession({ fromId: _, ...selection }: SessionSelection): Promise<SessionRow | undefined> {
    return super.selectSession(selection);
  }
}

class RepeatsAtPageBounds extends InMemoryStorage {
  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    if (selection.order !== "recent-first" || selection.beforeId === undefined) return super.selectHeads(selection);
    const { beforeId, ...rest } = selection;
    const heads = await super.selectHeads({ ...rest, limit: 1_000 });
    return heads.filter(({ lastAtomId }) => lastAtomId <= beforeId).slice(0, selection.limit);
  }
}

export const RACE_FAULTS: readonly StorageClass[] = [
  ChecksTheVersionBeforeItWrites,
  TakesItsOwnRowsForAnothersChange,
  LosesRacesForAnId,
  LosesRacesForASession,
  ClosesWithoutWaiting,
  TakesTheLastWrittenForTheLast,
  ForgetsTheVersion,
  RefreshesFromTheStart,
  RepeatsAtPageBounds,
];
