import { memo, useState, type ReactNode } from "react";
import { clockTime, fullTime } from "../format.ts";
import { isJsonObject } from "../json.ts";
import { visible } from "../text/visible.ts";
import { FactCard } from "./fact-card.tsx";
import { MessageContent, ToolFold } from "./parts.tsx";
import { RawJson } from "./raw-json.tsx";
import { isSameItem, type TimelineItem } from "./timeline-items.ts";

interface EntryProps {
  readonly session: string;
  readonly item: TimelineItem;
  /** Whether the context window leaves it out. */
  readonly isOutside: boolean;
}

const ROLE_NAMES = { user: "User", assistant: "Assistant", system: "System", tool: "Tool" } as const;

/** One atom on the timeline. */
export const Entry = memo(
  function Entry({ session, item, isOutside }: EntryProps): ReactNode {
    const [isRaw, setRaw] = useState(false);
    const { atom, role, results } = item;
    const kind = role ?? (atom.memoryType === "session_metadata" ? "metadata" : "fact");
    const name = role !== undefined ? ROLE_NAMES[role] : kind === "metadata" ? "Metadata" : visible(atom.memoryType);
    return (
      <article className="entry" data-kind={kind} data-outside={isOutside || undefined} aria-label={`${name} entry`}>
        <div className="entry-head">
          <span className="who">{name}</span>
          <time dateTime={atom.createdAt} title={fullTime(atom.createdAt)}>
            {clockTime(atom.createdAt)}
          </time>
          {isOutside ? <span className="tag">outside the window</span> : null}
          <button
            type="button"
            className="raw-button"
            aria-expanded={isRaw}
            aria-label="Raw JSON"
            title="Raw JSON"
            onClick={() => setRaw(!isRaw)}
          >
            {"{ }"}
          </button>
        </div>
        <div className="entry-body">
          <EntryContent item={item} />
          {atom.isCut ? (
            <button type="button" className="link" onClick={() => setRaw(true)}>
              This is the beginning of it. Show all as JSON
            </button>
          ) : null}
          {isRaw ? <RawJson session={session} id={atom.id} /> : null}
          {isRaw ? results.map(({ atom }) => <RawJson key={atom.id} session={session} id={atom.id} />) : null}
        </div>
      </article>
    );
  },
  (left, right) =>
    left.isOutside === right.isOutside && left.session === right.session && isSameItem(left.item, right.item),
);

function EntryContent({ item }: { item: TimelineItem }): ReactNode {
  const { atom, role, results } = item;
  if (role === "tool" && !Array.isArray(atom.content)) {
    const { toolName } = atom.metadata;
    return <ToolFold name={typeof toolName === "string" ? toolName : "tool"} output={atom.content} isAnswered />;
  }
  if (role !== undefined) return <MessageContent atom={atom} results={results} />;
  if (atom.memoryType === "session_metadata") return <MetadataChange item={item} />;
  return <FactCard atom={atom} />;
}

/** The keys that an atom of session metadata sets and removes. */
function MetadataChange({ item }: { item: TimelineItem }): ReactNode {
  const { content } = item.atom;
  const set = isJsonObject(content) && isJsonObject(content["set"]) ? Object.entries(content["set"]) : [];
  const removed = isJsonObject(content) && Array.isArray(content["removed"]) ? content["removed"] : [];
  return (
    <p className="metadata">
      {set.map(([name, value]) => (
        <span key={name} className="chip">
          <b>{visible(name)}</b> {visible(typeof value === "string" ? value : JSON.stringify(value)).slice(0, 200)}
        </span>
      ))}
      {removed.map((name, index) => (
        <span key={index} className="chip">
          <s>{visible(String(name))}</s>
        </span>
      ))}
      {set.length + removed.length === 0 ? <span className="quiet">The session began.</span> : null}
    </p>
  );
}
