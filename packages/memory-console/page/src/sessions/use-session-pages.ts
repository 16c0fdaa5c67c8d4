import { useEffect, useMemo, useState } from "react";
import type { SessionEntry, SessionPage } from "../../../src/wire.ts";
import { messageOf, read } from "../api.ts";

interface SessionPages {
  /** Undefined while the first page is on its way. */
  readonly sessions: readonly SessionEntry[] | undefined;
  readonly next: string | undefined;
  readonly error: string | undefined;
}

export interface SessionFilter {
  readonly search: string;
  readonly user: string;
}

const NOTHING: SessionPages = { sessions: undefined, next: undefined, error: undefined };
const FIRST_PAGE = 100;
/** Who goes on wants many. */
const NEXT_PAGE = 1_000;

/** The sessions that a filter lets through, page by page, the first page again whenever any session changes. */
export function useSessionPages(
  { search, user }: SessionFilter,
  version: unknown,
): SessionPages & { loadMore: () => void } {
  const [pages, setPages] = useState(NOTHING);
  const loader = useMemo(() => new PagesLoader({ search, user }, setPages), [search, user]);
  useEffect(() => {
    loader.start();
    return () => loader.stop();
  }, [loader]);
  useEffect(() => loader.follow(version), [loader, version]);
  return { ...pages, loadMore: loader.loadMore };
}

/** Reads one thing after the other. What changes while the first page is read makes for one more reading, however often. */
class PagesLoader {
  readonly #filter: SessionFilter;
  readonly #show: (pages: SessionPages) => void;
  #pages: SessionPages = NOTHING;
  #version: unknown;
  #newest: string | undefined;
  #work: Promise<void> = Promise.resolve();
  #isRefreshing = false;
  #isLoadingMore = false;
  #isStopped = false;

  constructor(filter: SessionFilter, show: (pages: SessionPages) => void) {
    this.#filter = filter;
    this.#show = show;
  }

  start(): void {
    this.#isStopped = false;
    this.#refresh(() => true);
  }

  /** Shows nothing any more: another filter does. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The live event says which atom is the latest of all. */
  follow(version: unknown): void {
    if (version === undefined || version === this.#version) return;
    this.#version = version;
    // The page that is being read may have it.
    this.#refresh(() => this.#newest !== this.#version);
  }

  loadMore = (): void => {
    const { next } = this.#pages;
    if (next === undefined || this.#isLoadingMore) return;
    this.#isLoadingMore = true;
    this.#enqueue(async () => {
      try {
        const page = await this.#read({ before: next, limit: NEXT_PAGE });
        const { sessions = [] } = this.#pages;
        this.#set({ sessions: [...sessions, ...page.sessions], next: page.next });
      } finally {
        this.#isLoadingMore = false;
      }
    });
  };

  #refresh(isNeeded: () => boolean): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#enqueue(async () => {
      this.#isRefreshing = false;
      if (!isNeeded()) return;
      const page = await this.#read({ search: this.#filter.search, limit: FIRST_PAGE });
      this.#newest = page.newest;
      this.#set(withFirstPage(this.#pages, page));
    });
  }

  #read(parameters: Readonly<Record<string, string | number>>): Promise<SessionPage> {
    return read<SessionPage>("sessions", { user: this.#filter.user, ...parameters });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#set({ error: messageOf(error) }));
  }

  #set(change: Partial<SessionPages>): void {
    this.#pages = { ...this.#pages, error: undefined, ...change };
    if (!this.#isStopped) this.#show(this.#pages);
  }
}

/** Sessions that somebody wrote to have moved to the front. */
function withFirstPage({ sessions: shown = [], next }: SessionPages, page: SessionPage): Partial<SessionPages> {
  if (shown.length <= FIRST_PAGE) return { sessions: page.sessions, next: page.next };
  const isNew = new Set(page.sessions.map(({ key }) => key));
  return { sessions: [...page.sessions, ...shown.filter(({ key }) => !isNew.has(key))], next };
}
