import {
  MemoryStorage,
  readOptions,
  type AtomRow,
  type AtomSelection,
  type AtomTypes,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type ExpiredAtom,
  type ExpiredSelection,
  type Facts,
  type HeadSelection,
  type MemoryError,
  type Merged,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
  type Tombstone,
  type TombstoneSelection,
} from "@rivet/memory-core";
import { toInMemoryError } from "./errors.ts";
import { Memory } from "./memory.ts";
import { INMEMORY_STORAGE_FIELDS, parseMaxAtoms, type InMemoryStorageOptions } from "./options.ts";
import { selectAtoms, selectExpired, selectHeads, selectMessages, selectTombstones } from "./select.ts";
import { merge, remove, write } from "./write.ts";

/**
 * Keeps sessions and atoms in this object until it is closed.
 *
 * Guarantees: the semantics of every other backend; atoms are stored as text, so that no caller shares an object with
 * the storage; an append is O(log n), and a page reads no other session.
 *
 * @example
 * await using storage = new InMemoryStorage();
 * const session = new Session({ userId: "ada", storage });
 * session.addUserMessage("The drive trips with F0002.");
 * await session.save();
 */
export class InMemoryStorage<Types extends AtomTypes = {}> extends MemoryStorage<Types> {
  protected override readonly backend = "inmemory";
  readonly #maxAtoms: number;
  #memory = new Memory();

  /** @throws {MemoryError} `invalid_input` for an invalid option. */
  constructor(options: InMemoryStorageOptions<Types> = {}) {
    const given = readOptions(options, INMEMORY_STORAGE_FIELDS, "options");
    super(given, INMEMORY_STORAGE_FIELDS);
    this.#maxAtoms = parseMaxAtoms(given);
  }

  protected override async openBackend(): Promise<void> {}

  protected override async closeBackend(): Promise<void> {
    this.#memory = new Memory();
  }

  protected override async writeAtoms(batch: AtomWrite): Promise<AtomWriteResult> {
    const { written, historyXor } = write(this.#memory, batch, this.#maxAtoms, this.clock.wallTimeMs());
    return { written, historyXor, acceptedBy: [this.backend], degraded: false };
  }

  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    return { ...remove(this.#memory, deletion, this.clock.wallTimeMs()), acceptedBy: [this.backend] };
  }

  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return selectAtoms(this.#memory, selection);
  }

  protected override async selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const { sessionId, userId, lastMessages, fromId } = selection;
    const session = this.#memory.session(sessionId, userId);
    if (session === undefined) return undefined;
    return { head: session.head, messages: selectMessages(session, lastMessages, fromId) };
  }

  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    return selectHeads(this.#memory, selection);
  }

  protected override async selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return selectExpired(this.#memory, selection);
  }

  protected override async selectTombstones(selection: TombstoneSelection): Promise<Tombstone[]> {
    return selectTombstones(this.#memory, selection);
  }

  protected override async mergeFacts(facts: Facts): Promise<Merged> {
    return merge(this.#memory, facts, this.#maxAtoms, this.clock.wallTimeMs());
  }

  protected override toMemoryError(error: unknown): MemoryError {
    return toInMemoryError(error);
  }
}
