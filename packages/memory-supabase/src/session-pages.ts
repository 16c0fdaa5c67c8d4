import type { SessionRow, SessionSelection } from "@rivet/memory-core";
import { MAX_LIMIT } from "./pages.ts";
import type { Requests } from "./requests/requests.ts";
import { objectOf, toMessageRow, toPage, toSessionHead, type Entry } from "./rows.ts";

/**
 * A session with its messages, as of one moment. A page is of one moment by itself; when the session changes between
 * two pages, all of it is asked for at once.
 */
export async function loadSession(requests: Requests, selection: SessionSelection): Promise<SessionRow | undefined> {
  const session = await inPages(requests, selection);
  return session === CHANGED ? atOnce(requests, selection) : session;
}

const CHANGED = Symbol("changed between two pages");

async function inPages(
  requests: Requests,
  selection: SessionSelection,
): Promise<SessionRow | typeof CHANGED | undefined> {
  const { lastMessages } = selection;
  const all: Entry[] = [];
  let leading: readonly Entry[] = [];
  let version: string | undefined;
  for (;;) {
    const left = lastMessages === undefined ? undefined : lastMessages - all.length;
    const answer = await ask(requests, selection, { cursorId: idOf(all.at(-1)), lastMessages: left, isWhole: false });
    const head: unknown = answer === null ? undefined : objectOf(answer)["head"];
    if (version !== undefined && version !== JSON.stringify(head)) return CHANGED;
    if (head === undefined) return undefined;
    if (version === undefined) leading = leadingOf(answer);
    version = JSON.stringify(head);
    const { entries, more } = toPage(answer);
    all.push(...entries);
    if (!more) return toSession(head, leading, all, selection);
  }
}

async function atOnce(requests: Requests, selection: SessionSelection): Promise<SessionRow | undefined> {
  const { lastMessages } = selection;
  const answer = await ask(requests, selection, { cursorId: undefined, lastMessages, isWhole: true });
  return answer === null
    ? undefined
    : toSession(objectOf(answer)["head"], leadingOf(answer), toPage(answer).entries, selection);
}

interface Part {
  readonly cursorId: string | undefined;
  readonly lastMessages: number | undefined;
  readonly isWhole: boolean;
}

function ask(
  requests: Requests,
  { sessionId, userId, fromId }: SessionSelection,
  { cursorId, lastMessages, isWhole }: Part,
): Promise<unknown> {
  return requests.call("rivet_select_session", {
    given_session_id: sessionId,
    given_user_id: userId ?? null,
    from_id: fromId ?? null,
    last_messages: lastMessages === undefined ? null : Math.min(lastMessages, MAX_LIMIT),
    cursor_id: cursorId ?? null,
    is_whole: isWhole,
  });
}

function idOf(entry: Entry | undefined): string | undefined {
  return entry === undefined ? undefined : toMessageRow(entry).id;
}

/**
 * The system messages at the start, which come with a first page that is not all. An older project does not give them.
 */
function leadingOf(answer: unknown): readonly Entry[] {
  const columns = objectOf(answer)["leading"];
  return columns === null || columns === undefined ? [] : toPage({ columns, more: false }).entries;
}

/** The last messages come newest first; those of a short session have the system messages at its start too. */
function toSession(
  head: unknown,
  leading: readonly Entry[],
  entries: readonly Entry[],
  { lastMessages }: SessionSelection,
): SessionRow {
  const messages = entries.map(toMessageRow);
  if (lastMessages !== undefined) messages.reverse();
  const [first] = messages;
  const before = leading.map(toMessageRow).filter(({ id }) => first === undefined || id < first.id);
  return { head: toSessionHead(head), messages: [...before, ...messages] };
}
