import { useEffect, useState } from "react";
import type { AtomEntry, AtomPage, SessionDetail, UnreadableEntry } from "../../../src/wire.ts";
import { messageOf, read, type Parameters } from "../api.ts";

interface Timeline {
  /** Oldest first; undefined while the first ones are on their way. */
  readonly atoms: readonly AtomEntry[] | undefined;
  readonly unreadable: readonly UnreadableEntry[];
  readonly hasOlder: boolean;
  readonly error: string | undefined;
}

export interface LoadingTimeline extends Timeline {
  readonly loadOlder: () => void;
  readonly retry: () => void;
}

const EMPTY: Timeline = { atoms: undefined, unreadable: [], hasOlder: false, error: undefined };
const FIRST_PAGE = 60;
const PAGE = 120;
const LONGEST_PAGE = 1_000;

/** The atoms of a session from its end, further back as the reader goes there, and on as others append. */
export function useTimeline(key: string, detail: SessionDetail | undefined): LoadingTimeline {
  const [timeline, setTimeline] = useState(EMPTY);
  const [loader] = useState(() => new TimelineLoader(key, setTimeline));
  useEffect(() => void loader.loadEnd(), [loader]);
  useEffect(() => {
    if (detail !== undefined) loader.follow(detail);
  }, [loader, detail]);
  return { ...timeline, loadOlder: loader.loadOlder, retry: loader.loadEnd };
}

/** Reads one thing after the other, so that no answer overtakes another. */
class TimelineLoader {
  readonly #key: string;
  readonly #show: (timeline: Timeline) => void;
  #timeline: Timeline = EMPTY;
  #followed: SessionDetail | undefined;
  #work: Promise<void> = Promise.resolve();
  #isLoadingOlder = false;

  constructor(key: string, show: (timeline: Timeline) => void) {
    this.#key = key;
    this.#show = show;
  }

  loadEnd = (): void => this.#enqueue(() => this.#readEnd());

  loadOlder = (): void => {
    if (this.#isLoadingOlder || !this.#timeline.hasOlder) return;
    this.#isLoadingOlder = true;
    this.#enqueue(async () => {
      const { atoms = [], unreadable } = this.#timeline;
      try {
        const page = await this.#read({ before: atoms[0]?.id, limit: PAGE });
        this.#set({
          atoms: [...page.atoms, ...atoms],
          unreadable: [...page.unreadable, ...unreadable],
          hasOlder: page.hasMore,
        });
      } finally {
        this.#isLoadingOlder = false;
      }
    });
  };

  /** The session is now as the detail says. */
  follow(detail: SessionDetail): void {
    const before = this.#followed;
    if (before?.version === detail.version) return;
    this.#followed = detail;
    this.#enqueue(async () => {
      const { atoms = [] } = this.#timeline;
      const last = atoms.at(-1)?.id;
      if (last === detail.lastAtomId && before === undefined) return;
      if (last === undefined || before === undefined) return this.#readEnd();
      const page = await this.#read({ after: last, limit: LONGEST_PAGE });
      // Anything but new atoms at the end: some were deleted, or came late to an earlier place.
      if (page.atoms.length !== detail.atomCount - before.atomCount) return this.#readEnd();
      this.#set({ atoms: [...atoms, ...page.atoms] });
    });
  }

  async #readEnd(): Promise<void> {
    // As many as there are, so that who reads further back stays there.
    const limit = Math.min(Math.max(FIRST_PAGE, this.#timeline.atoms?.length ?? 0), LONGEST_PAGE);
    const page = await this.#read({ limit });
    this.#set({ atoms: page.atoms, unreadable: page.unreadable, hasOlder: page.hasMore });
  }

  #read(range: Parameters): Promise<AtomPage> {
    return read<AtomPage>("atoms", { session: this.#key, ...range });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#set({ error: messageOf(error) }));
  }

  #set(change: Partial<Timeline>): void {
    this.#timeline = { ...this.#timeline, error: undefined, ...change };
    this.#show(this.#timeline);
  }
}
