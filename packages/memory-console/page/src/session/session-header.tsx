import { useState, type ReactNode } from "react";
import type { Overview, SessionDetail } from "../../../src/wire.ts";
import { send } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ago, counted, fullTime } from "../format.ts";
import { go } from "../route.ts";
import { titleOf } from "../sessions/session-title.ts";
import { visible } from "../text/visible.ts";
import { useNow } from "../use-now.ts";
import { Fields } from "./fact-card.tsx";

interface SessionHeaderProps {
  readonly detail: SessionDetail;
  readonly overview: Overview;
  readonly onRemoved: (() => void) | undefined;
}

export function SessionHeader({ detail, overview, onRemoved }: SessionHeaderProps): ReactNode {
  const { sessionId, userId, createdAt, lastActive, messageCount, atomCount, metadata, unreachable } = detail;
  const [isCopied, setCopied] = useState(false);
  const nowMs = useNow();
  const fields = Object.entries(metadata);
  return (
    <header className="session-head">
      <button type="button" className="back" onClick={() => go({ view: "sessions" })} aria-label="Back to the sessions">
        ←
      </button>
      <div className="session-title">
        <h1 dir="auto">{visible(titleOf(detail))}</h1>
        {overview.isWritable ? <Changes detail={detail} onRemoved={onRemoved} /> : null}
      </div>
      <p className="facts">
        <button
          type="button"
          className="id"
          title="Copy the id"
          onClick={() => void navigator.clipboard.writeText(sessionId).then(() => setCopied(true))}
        >
          {visible(sessionId)} <span className="quiet">{isCopied ? "copied" : "copy"}</span>
        </button>
        <span>{visible(userId)}</span>
        <span title={fullTime(createdAt)}>began {ago(createdAt, nowMs)}</span>
        <span title={fullTime(lastActive)}>active {ago(lastActive, nowMs)}</span>
        <span>
          {counted(messageCount, "message")}, {counted(atomCount, "atom")}
        </span>
      </p>
      {unreachable.length === 0 ? null : (
        <p className="warning" role="status">
          {unreachable.join(", ")} could not be asked: there may be more of this session.
        </p>
      )}
      {detail.unreadable === undefined ? null : (
        <p className="warning" role="status">
          Its metadata could not be read: {detail.unreadable}
        </p>
      )}
      {fields.length === 0 ? null : (
        <details className="fold">
          <summary>
            <span className="fold-name">Metadata</span>
            <span className="fold-brief">{visible(fields.map(([name]) => name).join(", "))}</span>
          </summary>
          <Fields fields={fields} />
        </details>
      )}
    </header>
  );
}

type Asked = "session" | "user";

/** The actions that delete something. Each asks for confirmation. */
function Changes({ detail, onRemoved }: Omit<SessionHeaderProps, "overview">): ReactNode {
  const [asked, setAsked] = useState<Asked>();
  const { key, sessionId, userId } = detail;
  const done = (): void => {
    onRemoved?.();
    go({ view: "sessions" });
  };
  return (
    <span className="changes">
      <button type="button" className="small danger" onClick={() => setAsked("session")}>
        Delete session…
      </button>
      <button type="button" className="small danger" onClick={() => setAsked("user")}>
        Erase user…
      </button>
      {asked === "session" ? (
        <ConfirmDialog
          title="Delete this session?"
          text={`All messages and atoms of ${visible(sessionId)} are deleted for good, and its id is never used again.`}
          action="Delete session"
          onConfirm={() => send("write/delete-session", { session: key })}
          onDone={done}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
      {asked === "user" ? (
        <ConfirmDialog
          title="Erase this user?"
          text={`Every session, message and atom of ${visible(userId)} is erased for good, everywhere.`}
          action="Erase user"
          typed={visible(userId)}
          onConfirm={() => send("write/erase-user", { userId })}
          onDone={done}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
    </span>
  );
}
