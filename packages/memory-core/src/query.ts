/** What callers ask for, checked, in the terms of the hooks; and pages of it, one after the other. */
import { encodeText } from "./serialization.ts";
import type * as Hooks from "./storage-hooks.ts";
import type { AtomQuery, AtomStreamQuery, SessionQuery, UserGuard } from "./storage-types.ts";
import { assertLimit, assertName, assertOptions, parseAtomId } from "./validation.ts";

const DEFAULT_LIMIT = 100;
/** Rows a page when everything is read: large enough to amortise a round trip, small enough for constant memory. */
export const STREAM_PAGE = 500;

/** The user id of a guard, in the form that stores hold. */
export function parseGuard(options: UserGuard): string | undefined {
  assertOptions(options, "options");
  if (options.userId === undefined) return undefined;
  assertName(options.userId, "options.userId");
  return encodeText(options.userId);
}

export function parseSessionQuery(query: SessionQuery): Hooks.HeadSelection {
  const userId = parseGuard(query);
  const { limit = DEFAULT_LIMIT, before } = query;
  assertLimit(limit, "query.limit");
  const beforeId = before === undefined ? undefined : parseAtomId(before, "query.before");
  return { order: "recent-first", userId, beforeId, limit };
}

/** With `after` alone the page is the one next to that id, so it is read from there: oldest first. */
export function parseAtomQuery(query: AtomQuery): Hooks.AtomSelection {
  const filter = parseFilter(query);
  const { limit = DEFAULT_LIMIT, before, after } = query;
  assertLimit(limit, "query.limit");
  const beforeId = before === undefined ? undefined : parseAtomId(before, "query.before");
  const afterId = after === undefined ? undefined : parseAtomId(after, "query.after");
  const order = afterId !== undefined && beforeId === undefined ? "oldest-first" : "newest-first";
  return { ...filter, beforeId, afterId, order, limit };
}

type AtomFilter = Pick<Hooks.AtomSelection, "sessionId" | "userId" | "memoryTypes">;

export function parseFilter(query: AtomStreamQuery): AtomFilter {
  const userId = parseGuard(query);
  const { sessionId, memoryType } = query;
  if (sessionId !== undefined) assertName(sessionId, "query.sessionId");
  return {
    userId,
    sessionId: sessionId === undefined ? undefined : encodeText(sessionId),
    memoryTypes: memoryType === undefined ? undefined : parseMemoryTypes(memoryType),
  };
}

function parseMemoryTypes(memoryType: unknown): string[] {
  const types: unknown[] = Array.isArray(memoryType) ? memoryType : [memoryType];
  return [...new Set(types)].map((type, index) => {
    assertName(type, Array.isArray(memoryType) ? `query.memoryType[${index}]` : "query.memoryType");
    return encodeText(type);
  });
}

/** The page of a selection, and all pages after it. */
export async function* atomPages(
  first: Hooks.AtomSelection,
  select: (page: Hooks.AtomSelection) => Promise<readonly Hooks.AtomRow[]>,
): AsyncGenerator<readonly Hooks.AtomRow[]> {
  let page = first;
  for (;;) {
    const rows = await select(page);
    yield rows;
    const last = rows.at(-1);
    if (rows.length < page.limit || last === undefined) return;
    page = page.order === "newest-first" ? { ...page, beforeId: last.id } : { ...page, afterId: last.id };
  }
}
