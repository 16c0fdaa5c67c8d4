/** Applies a retention policy to a store, through its hooks. */
import { roleOf } from "../atom/atom.ts";
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import type { SessionHead } from "../backend/head.ts";
import { atomPages, STREAM_PAGE } from "../storage/query.ts";
import { allPages } from "../replication/merge-join.ts";
import { shownText } from "../atom/serialization.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type * as Hooks from "../backend/storage-hooks.ts";
import { PruneDecision, type PrunedAtom, type PrunedStep } from "./decision.ts";
import {
  isSelected,
  typesToRead,
  type PruneProgress,
  type PruneReceipt,
  type Retention,
  type RetentionRule,
} from "./policy.ts";

/** The hooks of a storage that pruning needs. */
export interface PruneHooks {
  selectExpired(selection: Hooks.ExpiredSelection): Promise<readonly Hooks.ExpiredAtom[]>;
  selectHeads(selection: Hooks.HeadSelection): Promise<readonly SessionHead[]>;
  selectSession(selection: Hooks.SessionSelection): Promise<Hooks.SessionRow | undefined>;
  selectAtoms(selection: Hooks.AtomSelection): Promise<readonly AtomRow[]>;
  deleteAtoms(deletion: Hooks.Deletion): Promise<Hooks.DeletionResult>;
  finishErasure(): Promise<readonly ErasureResidue[]>;
}

interface PruneSettings {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PruneProgress) => void;
  readonly retention: Retention;
  readonly batchSize: number;
  readonly isDryRun: boolean;
  readonly nowMs: number;
}

/**
 * Deletes expired atoms, then the atoms that the rule selects, session by session. Uses memory for one page and its
 * unfinished tool steps.
 */
export async function prune(hooks: PruneHooks, settings: PruneSettings): Promise<PruneReceipt> {
  const work = new Pruning(hooks, settings);
  await work.removeExpired();
  const { rule } = settings.retention;
  if (rule !== undefined) await work.applyRule(rule);
  return work.receipt();
}

class Pruning {
  readonly #hooks: PruneHooks;
  readonly #settings: PruneSettings;
  #counts = { sessions: 0, atoms: 0, messages: 0, expired: 0 };
  readonly #byType = new Map<string, number>();
  #acceptedBy: readonly string[] | undefined;

  constructor(hooks: PruneHooks, settings: PruneSettings) {
    this.#hooks = hooks;
    this.#settings = settings;
  }

  async receipt(): Promise<PruneReceipt> {
    const progress = this.#report();
    const residue = await this.#hooks.finishErasure();
    return { ...progress, prunedAt: new Date(this.#settings.nowMs), acceptedBy: this.#acceptedBy ?? [], residue };
  }

  async removeExpired(): Promise<void> {
    const { nowMs: atMs, batchSize, retention, signal } = this.#settings;
    const { userId, sessionId } = retention;
    let after: Hooks.ExpiredAtom | undefined;
    for (;;) {
      signal?.throwIfAborted();
      const page = await this.#hooks.selectExpired({ atMs, userId, sessionId, after, limit: batchSize });
      for (const [id, atoms] of Map.groupBy(page, (atom) => atom.sessionId)) {
        this.#counts.expired += await this.#remove(id, atoms);
      }
      after = page.at(-1);
      if (page.length < batchSize) return;
    }
  }

  async applyRule(rule: RetentionRule): Promise<void> {
    const { signal } = this.#settings;
    for await (const head of this.#heads()) {
      signal?.throwIfAborted();
      if (await this.#mayHold(head, rule)) await this.#applyTo(head.sessionId, rule);
      this.#counts.sessions += 1;
      if (this.#counts.sessions % STREAM_PAGE === 0) this.#report();
    }
  }

  async *#heads(): AsyncGenerator<SessionHead> {
    const { sessionId, userId } = this.#settings.retention;
    if (sessionId !== undefined) {
      const session = await this.#hooks.selectSession({ sessionId, userId, lastMessages: 1 });
      if (session !== undefined) yield session.head;
      return;
    }
    const select = (last: SessionHead | undefined, limit: number): Promise<readonly SessionHead[]> =>
      this.#hooks.selectHeads({ order: "session-id", userId, afterSessionId: last?.sessionId, limit });
    yield* allPages(select, STREAM_PAGE);
  }

  /** Whether, judging by the head or else by the old atoms of the session, the rule may select an atom. */
  async #mayHold({ sessionId, createdAtMs, atomCount }: SessionHead, rule: RetentionRule): Promise<boolean> {
    const { createdBeforeMs } = rule;
    if (atomCount <= rule.keepLast) return false;
    if (createdBeforeMs === undefined) return true;
    if (createdAtMs >= createdBeforeMs) return false;
    // Session metadata is kept, and is often the only old atom of a session.
    const selection = { sessionId, memoryTypes: rule.memoryTypes, createdBeforeMs, order: "oldest-first" } as const;
    for await (const rows of atomPages({ ...selection, limit: PROBE_PAGE }, this.#hooks.selectAtoms)) {
      if (rows.some(({ memoryType }) => isSelected(rule, memoryType))) return true;
    }
    return false;
  }

  async #applyTo(sessionId: string, rule: RetentionRule): Promise<void> {
    const decision = new PruneDecision(rule);
    const batch = new Batch(this.#settings.batchSize, (atoms) => this.#remove(sessionId, atoms));
    const memoryTypes = typesToRead(rule);
    const { nowMs } = this.#settings;
    const selection = { sessionId, memoryTypes, unexpiredAtMs: nowMs, order: "newest-first" } as const;
    for await (const rows of atomPages({ ...selection, limit: STREAM_PAGE }, this.#hooks.selectAtoms)) {
      for (const row of rows) for (const step of decision.take(row)) await batch.add(step);
    }
    for (const step of decision.end()) await batch.add(step);
    await batch.flush();
  }

  /** @returns the number of atoms that still existed. */
  async #remove(sessionId: string, atoms: readonly PrunedAtom[]): Promise<number> {
    this.#settings.signal?.throwIfAborted();
    const removed = this.#settings.isDryRun ? countOf(atoms) : await this.#delete(sessionId, atoms);
    this.#counts.atoms += removed.atoms;
    this.#counts.messages += removed.messages;
    for (const { memoryType } of atoms) this.#byType.set(memoryType, (this.#byType.get(memoryType) ?? 0) + 1);
    const { acceptedBy } = removed;
    this.#acceptedBy = this.#acceptedBy?.filter((name) => acceptedBy.includes(name)) ?? acceptedBy;
    this.#report();
    return removed.atoms;
  }

  #delete(sessionId: string, atoms: readonly PrunedAtom[]): Promise<Hooks.DeletionResult> {
    const { userId } = this.#settings.retention;
    const ids = atoms.map(({ id }) => id).toSorted();
    return this.#hooks.deleteAtoms({ scope: "atoms", sessionId, userId, ids });
  }

  #report(): PruneProgress {
    const atomsByType = Object.fromEntries([...this.#byType].map(([type, count]) => [shownText(type), count]));
    const progress = { ...this.#counts, atomsByType };
    this.#settings.onProgress?.(progress);
    return progress;
  }
}

/** The result that deleting these atoms would have. */
function countOf(atoms: readonly PrunedAtom[]): Hooks.DeletionResult {
  const messages = atoms.filter(({ memoryType }) => roleOf(memoryType) !== undefined).length;
  return { sessions: 0, atoms: atoms.length, messages, acceptedBy: [] };
}

/** Small, because metadata changes are few. */
const PROBE_PAGE = 100;

/** Collects the steps of one session and deletes them in batches, without splitting a step. */
class Batch {
  readonly #size: number;
  readonly #remove: (atoms: readonly PrunedAtom[]) => Promise<unknown>;
  #atoms: PrunedAtom[] = [];

  constructor(size: number, remove: (atoms: readonly PrunedAtom[]) => Promise<unknown>) {
    this.#size = size;
    this.#remove = remove;
  }

  async add(step: PrunedStep): Promise<void> {
    if (this.#atoms.length + step.length > this.#size) await this.flush();
    for (const { id, memoryType } of step) this.#atoms.push({ id, memoryType });
  }

  async flush(): Promise<void> {
    const atoms = this.#atoms;
    this.#atoms = [];
    if (atoms.length > 0) await this.#remove(atoms);
  }
}
