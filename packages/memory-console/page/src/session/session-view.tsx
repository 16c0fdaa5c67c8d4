import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { AtomEntry, Overview, SessionDetail, UnreadableEntry } from "../../../src/wire.ts";
import { isFailure } from "../api.ts";
import { counted } from "../format.ts";
import { useLive, type LiveStore } from "../live.ts";
import { ErrorState, LoadingState } from "../states.tsx";
import { visible } from "../text/visible.ts";
import { ContextBar } from "./context-bar.tsx";
import { Entries } from "./entries.tsx";
import { SessionHeader } from "./session-header.tsx";
import { timelineItems } from "./timeline-items.ts";
import { useContextWindow } from "./use-context-window.ts";
import { useStickyEnd } from "./use-sticky-end.ts";
import { useTimeline, type LoadingTimeline } from "./use-timeline.ts";

interface SessionViewProps {
  readonly sessionKey: string;
  readonly live: LiveStore;
  readonly overview: Overview;
  /** The content below the conversation. */
  readonly footer?: ReactNode;
  /** Told when it is no longer there, by whomever it was removed. */
  readonly onRemoved?: () => void;
}

/** A session as the conversation that it was, with its atoms on the same timeline. */
export function SessionView({ sessionKey, live, overview, footer, onRemoved }: SessionViewProps): ReactNode {
  const told = useLive(live, "session");
  const failed = isFailure(told) ? told.error.message : undefined;
  const detail: SessionDetail | undefined = told === null || isFailure(told) ? undefined : told;
  const timeline = useTimeline(sessionKey, detail);
  const [budget, setBudget] = useState<number>();
  const context = useContextWindow(sessionKey, budget, detail?.version);
  const isGone = told === null;
  useEffect(() => {
    if (isGone) onRemoved?.();
  }, [isGone, onRemoved]);
  if (isGone) return <ErrorState title="No such session" text="It was deleted, or its id was never saved." />;
  return (
    <section className="session" aria-label="Session">
      {detail === undefined ? null : <SessionHeader detail={detail} overview={overview} onRemoved={onRemoved} />}
      <ContextBar budget={budget} window={context} onChange={setBudget} />
      {failed === undefined ? null : <ErrorState title="The storage does not answer" text={failed} />}
      <Conversation sessionKey={sessionKey} timeline={timeline} kept={context.kept} />
      {footer}
    </section>
  );
}

interface ConversationProps {
  readonly sessionKey: string;
  readonly timeline: LoadingTimeline;
  readonly kept: ReadonlySet<string> | undefined;
}

function Conversation({ sessionKey, timeline, kept }: ConversationProps): ReactNode {
  const { atoms, error, retry } = timeline;
  if (atoms !== undefined) return <Scroll sessionKey={sessionKey} timeline={timeline} atoms={atoms} kept={kept} />;
  if (error === undefined) return <LoadingState label="Reading the session" />;
  return <ErrorState title="The session could not be read" text={error} onRetry={retry} />;
}

function Scroll({ sessionKey, timeline, atoms, kept }: ConversationProps & { atoms: readonly AtomEntry[] }): ReactNode {
  const { unreadable, hasOlder, error, loadOlder, retry } = timeline;
  const items = useMemo(() => timelineItems(atoms), [atoms]);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { isAtEnd, toEnd } = useStickyEnd(scroller, content);
  const lastId = items.at(-1)?.atom.id;
  const [seenId, setSeenId] = useState(lastId);
  useEffect(() => {
    if (isAtEnd) setSeenId(lastId);
  }, [isAtEnd, lastId]);
  const unseen = items.length - 1 - items.findLastIndex(({ atom }) => atom.id === seenId);
  return (
    <div className="conversation">
      <div className="scroller" ref={scroller} tabIndex={0} role="region" aria-label="Conversation">
        <div className="timeline" ref={content}>
          {hasOlder ? <Older onVisible={loadOlder} root={scroller} count={items.length} /> : null}
          {error === undefined ? null : <ErrorState title="More could not be read" text={error} onRetry={retry} />}
          {unreadable.map((entry) => (
            <Unreadable key={entry.id} entry={entry} />
          ))}
          <Entries sessionKey={sessionKey} items={items} kept={kept} />
          {items.length === 0 && unreadable.length === 0 ? <p className="quiet">This session has no atoms.</p> : null}
        </div>
      </div>
      {isAtEnd ? null : (
        <button type="button" className="to-end" onClick={toEnd}>
          {unseen > 0 && unseen < items.length ? `${counted(unseen, "new entry", "new entries")} ↓` : "To the end ↓"}
        </button>
      )}
    </div>
  );
}

function Unreadable({ entry }: { entry: UnreadableEntry }): ReactNode {
  const { memoryType, reason, contentText } = entry;
  return (
    <details className="unreadable">
      <summary>
        An atom of type {visible(memoryType)} cannot be read: {reason}
      </summary>
      <pre>{visible(contentText)}</pre>
    </details>
  );
}

/** Asks for older entries before the reader arrives there. */
function Older({
  onVisible,
  root,
  count,
}: {
  onVisible: () => void;
  root: { readonly current: HTMLDivElement | null };
  /** Looks again after each page, which may not have filled the view. */
  count: number;
}): ReactNode {
  const mark = useRef<HTMLDivElement>(null);
  const look = useCallback(
    (entries: readonly IntersectionObserverEntry[]) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) onVisible();
    },
    [onVisible],
  );
  useEffect(() => {
    const observer = new IntersectionObserver(look, { root: root.current, rootMargin: "3000px 0px 0px 0px" });
    if (mark.current !== null) observer.observe(mark.current);
    return () => observer.disconnect();
  }, [look, root, count]);
  return (
    <div ref={mark} className="older quiet">
      Reading what came before…
    </div>
  );
}
