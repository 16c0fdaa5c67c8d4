import { useEffect, useMemo, useState } from "react";
import { FIRST_PAGE, type SessionPage } from "../../../src/wire.ts";
import { messageOf, read } from "../api.ts";
import { openingSessions } from "../opening.ts";
import { withFirstPage, type ShownSessions } from "./shown-sessions.ts";

interface SessionPages extends ShownSessions {
  readonly error: string | undefined;
}

export interface SessionFilter {
  readonly search: string;
  readonly user: string;
}

/** The number of sessions on every page after the first. */
const NEXT_PAGE = 1_000;

/**
 * The sessions that a filter lets through, page by page, the first page again whenever any session changes.
 *
 * @param removals how often some were removed here: then they are read anew, for no change of others tells of that.
 */
export function useSessionPages(
  { search, user }: SessionFilter,
  version: unknown,
  removals: number,
): SessionPages & { loadMore: () => void } {
  const [pages, setPages] = useState(() => pagesOf(openingSessions()));
  const loader = useMemo(() => new PagesLoader({ search, user }, setPages, openingSessions()), [search, user]);
  useEffect(() => {
    loader.start();
    return () => loader.stop();
  }, [loader, removals]);
  useEffect(() => loader.follow(version), [loader, version]);
  return { ...pages, loadMore: loader.loadMore };
}

function pagesOf(first: SessionPage | undefined): SessionPages {
  return { sessions: first?.sessions, next: first?.next, error: undefined };
}

/**
 * Reads one thing after the other. What changes while the first page is read makes for one more reading, however often.
 */
class PagesLoader {
  readonly #filter: SessionFilter;
  readonly #show: (pages: SessionPages) => void;
  #pages: SessionPages;
  #version: unknown;
  #newest: string | undefined;
  #work: Promise<void> = Promise.resolve();
  /** Whether nothing has to be read to begin with. */
  #hasFirst: boolean;
  #isRefreshing = false;
  #isLoadingMore = false;
  #isStopped = false;

  /** @param first the first page, where it is there already. */
  constructor(filter: SessionFilter, show: (pages: SessionPages) => void, first: SessionPage | undefined) {
    this.#filter = filter;
    this.#show = show;
    this.#pages = pagesOf(first);
    this.#newest = first?.newest;
    this.#hasFirst = first !== undefined;
  }

  start(): void {
    this.#isStopped = false;
    if (this.#hasFirst) {
      this.#hasFirst = false;
      return;
    }
    this.#enqueue(async () => {
      // As many as there are, so that who is further down stays there.
      const length = this.#pages.sessions?.length ?? 0;
      const page = await this.#readFirst(Math.min(Math.max(FIRST_PAGE, length), NEXT_PAGE));
      this.#set({ sessions: page.sessions, next: page.next });
    });
  }

  /** Shows nothing any more: another filter does. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The live event says which atom is the latest of all. */
  follow(version: unknown): void {
    if (version === undefined || version === this.#version) return;
    this.#version = version;
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#enqueue(async () => {
      this.#isRefreshing = false;
      // The page that was read meanwhile may have it.
      if (this.#newest === this.#version) return;
      this.#set(withFirstPage(this.#pages, await this.#readFirst(FIRST_PAGE)));
    });
  }

  loadMore = (): void => {
    if (this.#pages.next === undefined || this.#isLoadingMore) return;
    this.#isLoadingMore = true;
    this.#enqueue(async () => {
      try {
        const { sessions = [], next } = this.#pages;
        if (next === undefined) return;
        const page = await this.#read({ before: next, limit: NEXT_PAGE });
        this.#set({ sessions: [...sessions, ...page.sessions], next: page.next });
      } finally {
        this.#isLoadingMore = false;
      }
    });
  };

  async #readFirst(limit: number): Promise<SessionPage> {
    const page = await this.#read({ search: this.#filter.search, limit });
    this.#newest = page.newest;
    return page;
  }

  #read(parameters: Readonly<Record<string, string | number>>): Promise<SessionPage> {
    return read<SessionPage>("sessions", { user: this.#filter.user, ...parameters });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      // Whatever is told next is news.
      this.#newest = undefined;
      this.#set({ error: messageOf(error) });
    });
  }

  #set(change: Partial<SessionPages>): void {
    this.#pages = { ...this.#pages, error: undefined, ...change };
    if (!this.#isStopped) this.#show(this.#pages);
  }
}
