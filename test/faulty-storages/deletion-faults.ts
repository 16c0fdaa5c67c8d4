/** Backends whose deletions take too little or too much. */
import {
  roleOf,
  type AtomRow,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type ErasureResidue,
  type HeadSelection,
  type SessionHead,
  type StoredMessage,
} from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { StorageClass } from "./run-suite.ts";

/** Leaves out, of what arrives, the atoms that its own idea of a tombstone names. */
abstract class Buries extends InMemoryStorage {
  readonly #buried = new Set<string>();

  /** The name of an atom in a tombstone. */
  protected nameOf({ sessionId, id }: Pick<AtomRow, "sessionId" | "id">): string {
    return `${sessionId} ${id}`;
  }

  protected abstract isBuried(deletion: Deletion & { scope: "atoms" }): Promise<boolean>;

  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope === "atoms" && (await this.isBuried(deletion))) {
      for (const id of deletion.ids) this.#buried.add(this.nameOf({ sessionId: deletion.sessionId, id }));
    }
    return super.deleteAtoms(deletion);
  }

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return super.writeAtoms({ ...write, rows: write.rows.filter((row) => !this.#buried.has(this.nameOf(row))) });
  }
}

class BuriesForStrangers extends Buries {
  protected override async isBuried({ sessionId, userId }: Deletion & { scope: "atoms" }): Promise<boolean> {
    const session = await this.selectSession({ sessionId });
    return userId !== undefined && session !== undefined && session.head.userId !== userId;
  }
}

class BuriesInUnknownSessions extends Buries {
  protected override async isBuried({ sessionId }: Deletion & { scope: "atoms" }): Promise<boolean> {
    return (await this.selectSession({ sessionId })) === undefined;
  }
}

class BuriesInEverySession extends Buries {
  protected override nameOf({ id }: Pick<AtomRow, "id">): string {
    return id;
  }

  protected override async isBuried(): Promise<boolean> {
    return true;
  }
}

class ForgetsDeletedSessions extends InMemoryStorage {
  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope !== "session" || (await this.selectSession(deletion)) === undefined) {
      return super.deleteAtoms(deletion);
    }
    const { sessionId } = deletion;
    const rows = await this.selectAtoms({ sessionId, order: "oldest-first", limit: Number.MAX_SAFE_INTEGER });
    const result = await super.deleteAtoms({ scope: "atoms", sessionId, ids: rows.map(({ id }) => id) });
    return { ...result, sessions: 1 };
  }
}

class ClearsWithoutTombstones extends InMemoryStorage {
  readonly #cleared = new Set<string>();

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const { sessionId, clearThroughId = "" } = write.session ?? {};
    if (sessionId !== undefined) {
      const stored = await this.selectSession({ sessionId });
      for (const { id } of stored?.messages ?? []) if (id <= clearThroughId) this.#cleared.add(id);
    }
    const rows = write.rows.map((row) => (this.#cleared.has(row.id) ? { ...row, id: this.clock.next() } : row));
    return super.writeAtoms({ ...write, rows });
  }
}

class DeletesAThousandAtMost extends InMemoryStorage {
  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope !== "atoms") return super.deleteAtoms(deletion);
    return super.deleteAtoms({ ...deletion, ids: deletion.ids.slice(0, 1_000) });
  }
}

class ErasesOnePageOfSessions extends InMemoryStorage {
  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope !== "user") return super.deleteAtoms(deletion);
    const heads = await this.selectHeads({ order: "recent-first", userId: deletion.userId, limit: 1_000 });
    const total = { sessions: heads.length, atoms: 0, messages: 0, acceptedBy: [this.backend] };
    for (const { sessionId } of heads) {
      const { atoms, messages } = await super.deleteAtoms({ scope: "session", sessionId });
      total.atoms += atoms;
      total.messages += messages;
    }
    return total;
  }
}

class CountsErasedAtomsAsMessages extends InMemoryStorage {
  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    const result = await super.deleteAtoms(deletion);
    return { ...result, messages: result.atoms };
  }
}

class ListsByDeletedAtoms extends InMemoryStorage {
  readonly #lastAtomIds = new Map<string, string>();

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    for (const { sessionId, id } of write.rows) {
      if (id > (this.#lastAtomIds.get(sessionId) ?? "")) this.#lastAtomIds.set(sessionId, id);
    }
    return super.writeAtoms(write);
  }

  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    const heads = await super.selectHeads(selection);
    return heads.map((head) => ({ ...head, lastAtomId: this.#lastAtomIds.get(head.sessionId) ?? head.lastAtomId }));
  }
}

class KeepsSystemMessagesWhenClearing extends InMemoryStorage {
  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const { clearThroughId, ...session } = write.session ?? { sessionId: "", userId: "" };
    if (clearThroughId === undefined) return super.writeAtoms(write);
    const stored = await this.selectSession(session);
    const ids = (stored?.messages ?? [])
      .filter((message) => message.id <= clearThroughId && storedRoleOf(message) !== "system")
      .map(({ id }) => id);
    await this.deleteAtoms({ scope: "atoms", sessionId: session.sessionId, ids });
    return super.writeAtoms({ ...write, session });
  }
}

function storedRoleOf(message: StoredMessage): string | undefined {
  return "role" in message ? message.role : roleOf(message.memoryType);
}

class NamesResidueOnce extends InMemoryStorage {
  #isNamed = false;

  protected override async finishErasure(): Promise<readonly ErasureResidue[]> {
    if (this.#isNamed) return [];
    this.#isNamed = true;
    return [{ store: this.backend, place: "file", reason: "size", until: "The next compaction ends it." }];
  }
}

export const DELETION_FAULTS: readonly StorageClass[] = [
  BuriesForStrangers,
  BuriesInUnknownSessions,
  BuriesInEverySession,
  ForgetsDeletedSessions,
  ClearsWithoutTombstones,
  KeepsSystemMessagesWhenClearing,
  DeletesAThousandAtMost,
  ErasesOnePageOfSessions,
  CountsErasedAtomsAsMessages,
  ListsByDeletedAtoms,
  NamesResidueOnce,
];
