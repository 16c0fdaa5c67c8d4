import {
  addRemoved,
  MemoryError,
  MemoryStorage,
  readOptions,
  type AtomRow,
  type AtomSelection,
  type AtomTypes,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type ErasureResidue,
  type ExpiredAtom,
  type ExpiredSelection,
  type Facts,
  type HeadSelection,
  type Merged,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
  type Tombstone,
  type TombstoneSelection,
  type WriteQueue,
} from "@rivet/memory-core";
import { toSupabaseMemoryError } from "./errors.ts";
import { MAX_IDS } from "./migration/refusals.ts";
import { parseSettings, SUPABASE_STORAGE_FIELDS, type SupabaseMemoryStorageOptions } from "./options.ts";
import { RESIDUE } from "./residue.ts";
import { allEntries } from "./pages.ts";
import { Requests } from "./requests/requests.ts";
import {
  givenAtoms,
  givenTombstones,
  number,
  objectOf,
  toAtomRow,
  toExpiredAtom,
  toSessionHead,
  toTombstone,
} from "./rows.ts";
import { loadSession } from "./session-pages.ts";
import { isCloudflareWorker } from "./requests/workers.ts";
import { writeQueue, type Written } from "./writes.ts";

/** A deletion may be of everything that a user has. The functions give up a little earlier. */
const DELETION_TIMEOUT_MS = 60_000;

/**
 * Keeps sessions and atoms in a Supabase project, over its REST API: where no connection to PostgreSQL can be opened,
 * or where row-level security is to stand between users.
 *
 * Guarantees: a save is one request, atomic and idempotent, and saves of several sessions at once share requests;
 * requests are repeated while the failure may pass; no row cap of the project cuts what is read; under the policies of
 * the package's migration a user reaches only what is theirs.
 *
 * @example
 * await using storage = new SupabaseMemoryStorage(); // SUPABASE_URL and SUPABASE_SECRET_KEY, or another key
 * const session = new Session({ userId: "ada", storage });
 * session.addUserMessage("The drive trips with F0002.");
 * await session.save();
 */
export class SupabaseMemoryStorage<Types extends AtomTypes = {}> extends MemoryStorage<Types> {
  protected override readonly backend = "supabase";
  readonly #requests: Requests;
  readonly #writes: WriteQueue<Written>;

  /**
   * Does no I/O, and neither does `open()`: a function that is started for each request asks for nothing but what it
   * needs.
   *
   * @throws {MemoryError} `invalid_input` for an option that is not one, and when neither an option nor the environment
   *   says where the project is and with which key.
   */
  constructor(options: SupabaseMemoryStorageOptions<Types> = {}) {
    const given = readOptions(options, SUPABASE_STORAGE_FIELDS, "options");
    super(given, SUPABASE_STORAGE_FIELDS);
    this.#requests = new Requests(parseSettings(given));
    this.#writes = writeQueue(this.#requests, !isCloudflareWorker());
  }

  protected override async openBackend(): Promise<void> {}

  protected override async closeBackend(): Promise<void> {}

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return { ...(await this.#writes.submit(write)), acceptedBy: [this.backend], degraded: false };
  }

  protected override async finishErasure(): Promise<readonly ErasureResidue[]> {
    return RESIDUE.map((residue) => ({ store: this.backend, ...residue }));
  }

  protected override async mergeFacts({ rows, tombstones }: Facts): Promise<Merged> {
    const args = { atoms: givenAtoms(rows, false), tombstones: givenTombstones(tombstones) };
    const { written, removed } = objectOf(await this.#requests.call("rivet_write_atoms", args));
    return { inserted: number(written), removed: number(removed) };
  }

  /** Ids that are more than one request takes go in several; each is all or nothing. */
  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    if (deletion.scope !== "atoms" || deletion.ids.length <= MAX_IDS) return this.#deleteAtOnce(deletion);
    const { atoms, messages, acceptedBy } = await this.#deleteAtOnce({
      ...deletion,
      ids: deletion.ids.slice(0, MAX_IDS),
    });
    const rest = await this.deleteAtoms({ ...deletion, ids: deletion.ids.slice(MAX_IDS) });
    return { ...addRemoved({ sessions: 0, atoms, messages }, rest), acceptedBy };
  }

  async #deleteAtOnce(deletion: Deletion): Promise<DeletionResult> {
    const args = {
      given_session_id: deletion.scope === "user" ? null : deletion.sessionId,
      given_user_id: deletion.userId ?? null,
      ids: deletion.scope === "atoms" ? deletion.ids : null,
    };
    const answer = await this.#requests.call("rivet_delete_atoms", args, { leastTimeoutMs: DELETION_TIMEOUT_MS });
    const { sessions, atoms, messages } = objectOf(answer);
    return {
      sessions: number(sessions),
      atoms: number(atoms),
      messages: number(messages),
      acceptedBy: [this.backend],
    };
  }

  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    const { sessionId, userId, memoryTypes, ids, beforeId, afterId, unexpiredAtMs, createdBeforeMs, order, limit } =
      selection;
    const isNewestFirst = order === "newest-first";
    const entries = await allEntries((last, rowLimit) => {
      const lastId = last === undefined ? undefined : toAtomRow(last).id;
      return this.#requests.call("rivet_select_atoms", {
        given_session_id: sessionId ?? null,
        given_user_id: userId ?? null,
        memory_types: memoryTypes ?? null,
        ids: ids ?? null,
        after_id: (isNewestFirst ? undefined : lastId) ?? afterId ?? null,
        before_id: (isNewestFirst ? lastId : undefined) ?? beforeId ?? null,
        is_newest_first: isNewestFirst,
        row_limit: rowLimit,
        unexpired_at_ms: unexpiredAtMs ?? null,
        created_before_ms: createdBeforeMs ?? null,
      });
    }, limit);
    return entries.map(toAtomRow);
  }

  protected override async selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    const { atMs, userId, sessionId, after, limit } = selection;
    const entries = await allEntries((last, rowLimit) => {
      const key = last === undefined ? after : toExpiredAtom(last);
      return this.#requests.call("rivet_select_expired", {
        at_ms: atMs,
        given_user_id: userId ?? null,
        given_session_id: sessionId ?? null,
        after_expires_at_ms: key?.expiresAtMs ?? null,
        after_session_id: key?.sessionId ?? null,
        after_id: key?.id ?? null,
        row_limit: rowLimit,
      });
    }, limit);
    return entries.map(toExpiredAtom);
  }

  protected override selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    return loadSession(this.#requests, selection);
  }

  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    const entries = await allEntries((last, rowLimit) => {
      const head = last === undefined ? undefined : toSessionHead(last);
      const bounds =
        selection.order === "recent-first"
          ? { before_id: head?.lastAtomId ?? selection.beforeId ?? null, after_session_id: null }
          : { before_id: null, after_session_id: head?.sessionId ?? selection.afterSessionId ?? "" };
      const args = { given_user_id: selection.userId ?? null, ...bounds, row_limit: rowLimit };
      return this.#requests.call("rivet_select_heads", args);
    }, selection.limit);
    return entries.map(toSessionHead);
  }

  protected override async selectTombstones({ sessionId, after, limit }: TombstoneSelection): Promise<Tombstone[]> {
    const entries = await allEntries((last, rowLimit) => {
      const key = last === undefined ? after : toTombstone(last);
      return this.#requests.call("rivet_select_tombstones", {
        given_session_id: sessionId ?? null,
        after_session_id: key?.sessionId ?? null,
        after_id: key?.id ?? null,
        after_owner: key?.owner ?? null,
        row_limit: rowLimit,
      });
    }, limit);
    return entries.map(toTombstone);
  }

  protected override toMemoryError(error: unknown): MemoryError {
    if (MemoryError.isInstance(error)) return error;
    return toSupabaseMemoryError({ status: -1, error, isTimeout: false });
  }
}
