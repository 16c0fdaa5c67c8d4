import { useEffect, useLayoutEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { FIRST_PAGE, type SessionEntry } from "../../../src/wire.ts";
import { ago, amount, counted, shortId } from "../format.ts";
import { useLive, type LiveStore } from "../live.ts";
import { fragmentOf, go } from "../route.ts";
import { EmptyState, ErrorState, LoadingState } from "../states.tsx";
import { visible } from "../text/visible.ts";
import { useNow } from "../use-now.ts";
import { rowAfter } from "./row-keys.ts";
import { titleOf } from "./session-title.ts";
import { useRowWindow } from "./use-row-window.ts";
import { useSessionPages, type SessionFilter } from "./use-session-pages.ts";

const ROW_HEIGHT = 60;
/**
 * Rows before the end at which the next page is asked for; of a short list, in its second half: nobody waits for more
 * at first.
 */
const AHEAD = 400;

interface SessionListProps {
  readonly live: LiveStore;
  readonly selected: string | undefined;
  /** The number of removals of sessions on this page. */
  readonly removals: number;
}

export function SessionList({ live, selected, removals }: SessionListProps): ReactNode {
  const [typed, setTyped] = useState<SessionFilter>({ search: "", user: "" });
  const rested = useDelayed(typed);
  // An id may have a space in it, and whoever types one has to begin with what comes before.
  const filter = { ...rested, search: rested.search.trim() };
  const pages = useSessionPages(filter, useLive(live, "sessions"), removals);
  const { sessions, error, next } = pages;
  const isFiltered = filter.search !== "" || filter.user !== "";
  return (
    <nav className="sessions" aria-label="Sessions">
      <div className="filters" role="search">
        <input
          id="search"
          type="search"
          placeholder="Session id…"
          aria-label="Search by the beginning of a session id"
          aria-keyshortcuts="/"
          value={typed.search}
          onChange={({ target }) => setTyped({ ...typed, search: target.value })}
        />
        <input
          type="search"
          placeholder="User…"
          aria-label="Only sessions of this user"
          value={typed.user}
          onChange={({ target }) => setTyped({ ...typed, user: target.value })}
        />
      </div>
      {error === undefined ? null : <ErrorState title="The sessions could not be read" text={error} />}
      {sessions === undefined && error === undefined ? <LoadingState label="Reading the sessions" /> : null}
      {sessions?.length === 0 ? (
        <EmptyState title={isFiltered ? "Nothing found" : "No sessions yet"}>
          <p>{isFiltered ? "No session id begins so, or the user has none." : "They appear here as they are saved."}</p>
        </EmptyState>
      ) : null}
      {sessions !== undefined && sessions.length > 0 ? (
        <>
          <Rows sessions={sessions} selected={selected} onNearEnd={pages.loadMore} />
          <p className="count quiet" role="status">
            {next !== undefined || (filter.search !== "" && sessions.length >= FIRST_PAGE)
              ? `${amount(sessions.length)} or more sessions`
              : counted(sessions.length, "session")}
          </p>
        </>
      ) : null}
    </nav>
  );
}

interface RowsProps {
  readonly sessions: readonly SessionEntry[];
  readonly selected: string | undefined;
  readonly onNearEnd: () => void;
}

/** Draws the rows that are seen, of any number. */
function Rows({ sessions, selected, onNearEnd }: RowsProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const nowMs = useNow();
  const { first, end } = useRowWindow(scroller, sessions.length, ROW_HEIGHT);
  const isNearEnd = end >= sessions.length - Math.min(AHEAD, sessions.length / 2);
  useEffect(() => {
    if (isNearEnd) onNearEnd();
  }, [isNearEnd, onNearEnd]);

  useSamePlace(scroller, sessions);

  const move = (event: KeyPress): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const place = {
      selected: sessions.findIndex(({ key }) => key === selected),
      count: sessions.length,
      rowsInView: Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT),
    };
    const to = rowAfter(event.key, place, event.target instanceof HTMLInputElement);
    const session = to === undefined ? undefined : sessions[to];
    if (to === undefined || session === undefined) return;
    event.preventDefault();
    // The row that has it may scroll away, and then nothing would have it.
    scroller.current?.focus({ preventScroll: true });
    go({ view: "sessions", key: session.key });
    if (scroller.current !== null) scrollToRow(scroller.current, to);
  };
  useEffect(() => {
    // While nothing has the focus, the keys are the list's; they are, too, while one types what the list is to show.
    const listen = (event: KeyboardEvent): void => {
      const { target } = event;
      if (target === document.body || (target instanceof Element && target.closest(".filters") !== null)) move(event);
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  });

  return (
    <div
      className="scroller"
      ref={scroller}
      onKeyDown={move}
      tabIndex={0}
      aria-label="Sessions, the latest first"
      role="group"
    >
      <ul className="rows" style={{ height: sessions.length * ROW_HEIGHT }}>
        {sessions.slice(first, end).map((session, index) => (
          <li
            key={session.key}
            style={{ transform: `translateY(${(first + index) * ROW_HEIGHT}px)`, height: ROW_HEIGHT }}
          >
            <Row session={session} isSelected={session.key === selected} nowMs={nowMs} />
          </li>
        ))}
      </ul>
    </div>
  );
}

type KeyPress = Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "preventDefault" | "target">;

/** No further than it takes to see the row. */
function scrollToRow(scroller: HTMLElement, row: number): void {
  const { scrollTop, clientHeight } = scroller;
  const top = row * ROW_HEIGHT;
  if (top < scrollTop) scroller.scrollTop = top;
  else scroller.scrollTop = Math.max(scrollTop, top + ROW_HEIGHT - clientHeight);
}

/** Rows at the top of the view, of which at least one stays where it is while others move to the front. */
const LOOKED_AT = 12;

/** Keeps the visible rows in place while sessions are added above them. */
function useSamePlace(scroller: RefObject<HTMLElement | null>, sessions: readonly SessionEntry[]): void {
  const previous = useRef(sessions);
  useLayoutEffect(() => {
    const before = previous.current;
    previous.current = sessions;
    const { current } = scroller;
    if (current === null || before === sessions || current.scrollTop === 0) return;
    const top = Math.floor(current.scrollTop / ROW_HEIGHT);
    const moves = before.slice(top, top + LOOKED_AT).flatMap(({ key }, index) => {
      const place = sessions.findIndex((session) => session.key === key);
      return place === -1 ? [] : [place - (top + index)];
    });
    // Those that have moved to the front have moved up; of the others, the topmost has made way for the most.
    if (moves.length > 0) current.scrollTop += Math.max(...moves) * ROW_HEIGHT;
  }, [scroller, sessions]);
}

interface RowProps {
  readonly session: SessionEntry;
  readonly isSelected: boolean;
  readonly nowMs: number;
}

function Row({ session, isSelected, nowMs }: RowProps): ReactNode {
  const { key, sessionId, userId, messageCount, lastActive } = session;
  return (
    <a
      href={fragmentOf({ view: "sessions", key })}
      aria-current={isSelected ? "page" : undefined}
      className="row"
      // The list is one stop of the Tab key, and its rows are reached by the arrows.
      tabIndex={-1}
    >
      <span className="row-title" dir="auto">
        {visible(titleOf(session))}
      </span>
      <time dateTime={lastActive}>{ago(lastActive, nowMs)}</time>
      <span className="row-facts">
        {visible(userId)} · <span className="mono">{visible(shortId(sessionId))}</span>
      </span>
      <span className="row-count">{counted(messageCount, "message")}</span>
    </a>
  );
}

const TYPING_MS = 150;

/** The value once it has rested. */
function useDelayed<Value>(value: Value): Value {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}
