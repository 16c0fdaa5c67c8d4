import { memo, useMemo, useRef, type ReactNode } from "react";
import { day } from "../format.ts";
import { chunksOf, type Chunk } from "./chunks.ts";
import { Entry } from "./entry.tsx";
import type { TimelineItem } from "./timeline-items.ts";

interface EntriesProps {
  readonly sessionKey: string;
  readonly items: readonly TimelineItem[];
  /** The ids of the messages in the context window; undefined when nobody asked. */
  readonly kept: ReadonlySet<string> | undefined;
}

/** The entries, with the days between them, and the line at which the context window begins. */
export function Entries({ sessionKey, items, kept }: EntriesProps): ReactNode {
  const previous = useRef<readonly Chunk[]>([]);
  const chunks = useMemo(() => (previous.current = chunksOf(items, previous.current)), [items]);
  const lastOutsideId = useMemo(
    () => (kept === undefined ? undefined : items.findLast((item) => isOutside(item, kept))?.atom.id),
    [items, kept],
  );
  return chunks.map((chunk) => (
    <ChunkView
      key={chunk.items[0]?.atom.id}
      sessionKey={sessionKey}
      chunk={chunk}
      kept={kept}
      lastOutsideId={lastOutsideId}
    />
  ));
}

function isOutside({ role, atom }: TimelineItem, kept: ReadonlySet<string> | undefined): boolean {
  return kept !== undefined && role !== undefined && !kept.has(atom.id);
}

interface ChunkViewProps extends Omit<EntriesProps, "items"> {
  readonly chunk: Chunk;
  readonly lastOutsideId: string | undefined;
}

/** About what an entry takes, in pixels, until it was seen once. */
const USUAL_HEIGHT = 92;

const ChunkView = memo(function ChunkView({ sessionKey, chunk, kept, lastOutsideId }: ChunkViewProps): ReactNode {
  const { items, before } = chunk;
  return (
    <div className="chunk" style={{ containIntrinsicSize: `auto ${items.length * USUAL_HEIGHT}px` }}>
      {items.map((item, index) => {
        const { id, createdAt } = item.atom;
        const last = items[index - 1] ?? before;
        const date = day(createdAt);
        return (
          <div key={id}>
            {last !== undefined && day(last.atom.createdAt) === date ? null : <h3 className="divider">{date}</h3>}
            <Entry session={sessionKey} item={item} isOutside={isOutside(item, kept)} />
            {id === lastOutsideId ? <h3 className="divider window">The context window begins here</h3> : null}
          </div>
        );
      })}
    </div>
  );
});
