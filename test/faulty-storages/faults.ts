/** Backends with one seeded fault each: the conformance suite must catch every one. */
import {
  MemoryError,
  roleOf,
  SESSION_METADATA,
  type AtomRow,
  type AtomSelection,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type HeadSelection,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
  type StoredMessage,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { DELETION_FAULTS } from "./deletion-faults.ts";
import { RACE_FAULTS } from "./race-faults.ts";
import { REPLICATION_FAULTS } from "./replication-faults.ts";
import { RETENTION_FAULTS } from "./retention-faults.ts";
import type { StorageClass } from "./run-suite.ts";

class DoublesRepeats extends InMemoryStorage {
  readonly #seen = new Set<string>();

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const rows = write.rows.map((row) => (this.#seen.has(row.id) ? { ...row, id: this.clock.next() } : row));
    for (const { id } of write.rows) this.#seen.add(id);
    return super.writeAtoms({ ...write, rows });
  }
}

/** Takes an error of one code for success. */
abstract class Swallows extends InMemoryStorage {
  protected abstract readonly swallowed: string;

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    try {
      return await super.writeAtoms(write);
    } catch (error) {
      if (!MemoryError.isInstance(error) || error.code !== this.swallowed) throw error;
      return { written: write.rows.length, acceptedBy: [this.backend], degraded: false };
    }
  }
}

class SwallowsConflicts extends Swallows {
  protected override readonly swallowed = "conflict";
}

class SwallowsPermission extends Swallows {
  protected override readonly swallowed = "permission";
}

class SwallowsDeletedSessions extends Swallows {
  protected override readonly swallowed = "not_found";
}

class LoadsForAnybody extends InMemoryStorage {
  protected override selectSession({ userId: _, ...selection }: SessionSelection): Promise<SessionRow | undefined> {
    return super.selectSession(selection);
  }
}

class QueriesForAnybody extends InMemoryStorage {
  protected override selectAtoms({ userId: _, ...selection }: AtomSelection): Promise<AtomRow[]> {
    return super.selectAtoms(selection);
  }
}

class DeletesForAnybody extends InMemoryStorage {
  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope === "user") return super.deleteAtoms(deletion);
    const { userId: _, ...unguarded } = deletion;
    return super.deleteAtoms(unguarded);
  }
}

class ListsByPrefix extends InMemoryStorage {
  protected override async selectHeads({ userId = "", ...selection }: HeadSelection): Promise<SessionHead[]> {
    const heads = await super.selectHeads(selection);
    return heads.filter((head) => head.userId.startsWith(userId));
  }
}

class LoadsTheFirstMessages extends InMemoryStorage {
  protected override async selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const { lastMessages, ...all } = selection;
    const row = await super.selectSession(all);
    return row && { ...row, messages: row.messages.slice(0, lastMessages) };
  }
}

class OrdersByTime extends InMemoryStorage {
  protected override async selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const row = await super.selectSession(selection);
    const timeMsOf = (message: StoredMessage): number =>
      "role" in message ? message.createdAt.getTime() : message.createdAtMs;
    const byTime = (left: StoredMessage, right: StoredMessage): number => timeMsOf(left) - timeMsOf(right);
    return row && { ...row, messages: row.messages.toReversed().toSorted(byTime) };
  }
}

class ResurrectsAtoms extends InMemoryStorage {
  readonly #deleted = new Set<string>();

  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope === "atoms") for (const id of deletion.ids) this.#deleted.add(id);
    return super.deleteAtoms(deletion);
  }

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const rows = write.rows.map((row) => (this.#deleted.has(row.id) ? { ...row, id: this.clock.next() } : row));
    return super.writeAtoms({ ...write, rows });
  }
}

class WritesRowByRow extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    let written = 0;
    let result: AtomWriteResult = { written, acceptedBy: [this.backend], degraded: false };
    if (write.rows.length === 0) return super.writeAtoms(write);
    for (const row of write.rows) {
      result = await super.writeAtoms({ ...write, rows: [row] });
      written += result.written;
    }
    return { ...result, written };
  }
}

class ReplacesLoneSurrogates extends InMemoryStorage {
  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const rows = write.rows.map((row) => ({ ...row, content: row.content.replaceAll(/\\u0010d[89a-f]../g, "\ufffd") }));
    return super.writeAtoms({ ...write, rows });
  }
}

class OverwritesMetadata extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const rows = await Promise.all(write.rows.map((row) => this.#overwriting(row)));
    return super.writeAtoms({ ...write, rows });
  }

  /** The change of metadata, as of a writer that stores the whole object. */
  async #overwriting(row: AtomRow): Promise<AtomRow> {
    if (row.memoryType !== SESSION_METADATA) return row;
    const stored = await this.selectSession({ sessionId: row.sessionId });
    const keys = Object.keys(JSON.parse(stored?.head.metadata ?? "{}"));
    const change: { set: object } = JSON.parse(row.content);
    const removed = keys.filter((key) => !(key in change.set));
    return { ...row, content: JSON.stringify({ ...change, removed }) };
  }
}

class SkipsAtPageBounds extends InMemoryStorage {
  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    const rows = await super.selectAtoms(selection);
    return selection.beforeId === undefined ? rows : rows.slice(1);
  }
}

class CapsRows extends InMemoryStorage {
  protected override selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return super.selectAtoms({ ...selection, limit: Math.min(selection.limit, 100) });
  }
}

class CapsPages extends InMemoryStorage {
  protected override selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    return super.selectHeads({ ...selection, limit: Math.min(selection.limit, 1_000) });
  }
}

class IgnoresIfUnchanged extends InMemoryStorage {
  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    if (write.session === undefined) return super.writeAtoms(write);
    const { expectedHistoryXor: _, ...session } = write.session;
    return super.writeAtoms({ ...write, session });
  }
}

class KeepsClearedMessages extends InMemoryStorage {
  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    if (write.session === undefined) return super.writeAtoms(write);
    const { clearThroughId: _, ...session } = write.session;
    return super.writeAtoms({ ...write, session });
  }
}

class CountsEveryAtomAsMessage extends InMemoryStorage {
  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    const heads = await super.selectHeads(selection);
    return heads.map((head) => ({ ...head, messageCount: head.atomCount }));
  }
}

class AcknowledgesEarly extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    setImmediate(() => super.writeAtoms(write).catch(() => undefined));
    return { written: write.rows.length, acceptedBy: [this.backend], degraded: false };
  }
}

class DropsSystemMessages extends InMemoryStorage {
  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const rows = write.rows.filter((row) => roleOf(row.memoryType) !== "system");
    return super.writeAtoms({ ...write, rows });
  }
}

export const FAULTY_STORAGES: readonly StorageClass[] = [
  DoublesRepeats,
  SwallowsConflicts,
  SwallowsPermission,
  SwallowsDeletedSessions,
  LoadsForAnybody,
  QueriesForAnybody,
  DeletesForAnybody,
  ListsByPrefix,
  LoadsTheFirstMessages,
  OrdersByTime,
  ResurrectsAtoms,
  WritesRowByRow,
  ReplacesLoneSurrogates,
  OverwritesMetadata,
  SkipsAtPageBounds,
  CapsRows,
  CapsPages,
  IgnoresIfUnchanged,
  KeepsClearedMessages,
  CountsEveryAtomAsMessage,
  AcknowledgesEarly,
  DropsSystemMessages,
  ...DELETION_FAULTS,
  ...RACE_FAULTS,
  ...REPLICATION_FAULTS,
  ...RETENTION_FAULTS,
];
