import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { SessionEntry } from "../../../src/wire.ts";
import { ago, amount, counted, shortId } from "../format.ts";
import { useLive, type LiveStore } from "../live.ts";
import { fragmentOf, go } from "../route.ts";
import { EmptyState, ErrorState, LoadingState } from "../states.tsx";
import { visible } from "../text/visible.ts";
import { useNow } from "../use-now.ts";
import { titleOf } from "./session-title.ts";
import { useSessionPages, type SessionFilter } from "./use-session-pages.ts";

const ROW_HEIGHT = 60;
/** Rows before the end at which the next page is asked for. */
const AHEAD = 400;

export function SessionList({ live, selected }: { live: LiveStore; selected: string | undefined }): ReactNode {
  const [typed, setTyped] = useState<SessionFilter>({ search: "", user: "" });
  const filter = useDelayed(typed);
  const pages = useSessionPages(filter, useLive(live, "sessions"));
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
          onChange={({ target }) => setTyped({ ...typed, search: target.value.trim() })}
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
            {next === undefined ? counted(sessions.length, "session") : `${amount(sessions.length)} of more sessions`}
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
  const virtualizer = useVirtualizer({
    count: sessions.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const rows = virtualizer.getVirtualItems();
  const isNearEnd = (rows.at(-1)?.index ?? 0) >= sessions.length - AHEAD;
  useEffect(() => {
    if (isNearEnd) onNearEnd();
  }, [isNearEnd, onNearEnd]);

  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const from = sessions.findIndex(({ key }) => key === selected);
    const to = Math.min(Math.max(from + step, 0), sessions.length - 1);
    const session = sessions[to];
    if (session === undefined) return;
    go({ view: "sessions", key: session.key });
    virtualizer.scrollToIndex(to);
  };

  return (
    <div
      className="scroller"
      ref={scroller}
      onKeyDown={move}
      tabIndex={0}
      aria-label="Sessions, the latest first"
      role="group"
    >
      <ul className="rows" style={{ height: virtualizer.getTotalSize() }}>
        {rows.map(({ index, start }) => {
          const session = sessions[index];
          if (session === undefined) return null;
          return (
            <li key={session.key} style={{ transform: `translateY(${start}px)`, height: ROW_HEIGHT }}>
              <Row session={session} isSelected={session.key === selected} nowMs={nowMs} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

interface RowProps {
  readonly session: SessionEntry;
  readonly isSelected: boolean;
  readonly nowMs: number;
}

function Row({ session, isSelected, nowMs }: RowProps): ReactNode {
  const { key, sessionId, userId, messageCount, lastActive } = session;
  return (
    <a href={fragmentOf({ view: "sessions", key })} aria-current={isSelected ? "page" : undefined} className="row">
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
