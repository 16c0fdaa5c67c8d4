/** Counts the atoms that deletions will remove from a storage, before they are applied. */
import { isConcerned, NIL_ID, type MemoryStorage, type Tombstone } from "@rivet/memory-core";
import type { Context } from "./command.ts";
import { storageName } from "./storage/storage-name.ts";
import { oneLine } from "./terminal/printable.ts";

/** The number of sessions that are named. */
const MAX_NAMED = 5;
const IDS_AT_A_TIME = 500;

export class ExpectedRemovals {
  readonly #storage: MemoryStorage;
  readonly #named: string[] = [];
  /** Sessions that go as a whole. */
  sessions = 0;
  /** All atoms that go, those of these sessions included. */
  atoms = 0;

  constructor(storage: MemoryStorage) {
    this.#storage = storage;
  }

  /** @param tombstones sorted by session. */
  async add(tombstones: readonly Tombstone[]): Promise<void> {
    for (const [sessionId, ofSession] of Map.groupBy(tombstones, (tombstone) => tombstone.sessionId)) {
      const session = await this.#storage.reader.selectSession({ sessionId, lastMessages: 1 });
      if (session === undefined) continue;
      const { userId, atomCount } = session.head;
      const own = ofSession.filter(({ owner }) => isConcerned(owner, userId));
      if (own.some(({ id }) => id === NIL_ID)) {
        this.sessions += 1;
        this.atoms += atomCount;
        if (this.#named.length < MAX_NAMED) this.#named.push(oneLine(sessionId, 60));
      } else this.atoms += await this.#countOf(sessionId, [...new Set(own.map(({ id }) => id))]);
    }
  }

  async #countOf(sessionId: string, ids: readonly string[]): Promise<number> {
    let count = 0;
    for (let start = 0; start < ids.length; start += IDS_AT_A_TIME) {
      count += (await this.#storage.replica.atoms(sessionId, ids.slice(start, start + IDS_AT_A_TIME))).length;
    }
    return count;
  }

  /**
   * Says what will go, and asks where there is somebody to ask.
   *
   * @returns whether to go on; true where nothing goes.
   */
  async announce({ confirm }: Context, url: string, isAgreed: boolean): Promise<boolean> {
    if (this.atoms === 0) return true;
    const text = `${this.#text(url)}\nLeave them with --no-deletions; bring one user's alone with --user.`;
    if (confirm !== undefined && !isAgreed) return confirm(`${text}\nGo on? It cannot be undone.`);
    process.stderr.write(`${text}\n`);
    return true;
  }

  #text(url: string): string {
    const more = this.sessions > this.#named.length ? ", …" : "";
    const whole =
      this.sessions === 0 ? "" : `, ${this.sessions} whole sessions among them (${this.#named.join(", ")}${more})`;
    return `${this.atoms} atoms will be removed from ${storageName(url)}, because their deletion is brought along${whole}.`;
  }
}
