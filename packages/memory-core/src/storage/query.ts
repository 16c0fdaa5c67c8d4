/** Checks the queries of callers and converts them to selections for the hooks; reads selections page by page. */
import { readOptions } from "../options/option-fields.ts";
import { encodeText } from "../atom/serialization.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type * as Hooks from "../backend/storage-hooks.ts";
import {
  ATOM_QUERY_FIELDS,
  SESSION_QUERY_FIELDS,
  USER_GUARD_FIELDS,
  type AtomQuery,
  type AtomStreamQuery,
  type SessionQuery,
  type UserGuard,
} from "./storage-types.ts";
import { assertLimit, assertName, parseAtomId, readList } from "../atom/validation.ts";

const DEFAULT_LIMIT = 100;
/** Rows per page when everything is read: large enough to amortise a round trip, small enough for constant memory. */
export const STREAM_PAGE = 500;

/** The user id of a guard, in the stored form. */
export function parseGuard(options: UserGuard | undefined, path = "options"): string | undefined {
  return guardOf(readOptions(options, USER_GUARD_FIELDS, path), path);
}

/** {@link parseGuard} for options that are already read. */
export function guardOf({ userId }: UserGuard, path: string): string | undefined {
  if (userId === undefined) return undefined;
  assertName(userId, `${path}.userId`);
  return encodeText(userId);
}

export function parseSessionQuery(given: SessionQuery): Hooks.HeadSelection {
  const query = readOptions(given, SESSION_QUERY_FIELDS, "query");
  const userId = guardOf(query, "query");
  const { limit = DEFAULT_LIMIT, before } = query;
  assertLimit(limit, "query.limit");
  const beforeId = before === undefined ? undefined : parseAtomId(before, "query.before");
  return { order: "recent-first", userId, beforeId, limit };
}

/** With `after` alone, the page starts next to that id, so it is read oldest first. */
export function parseAtomQuery(given: AtomQuery): Hooks.AtomSelection {
  const query = readOptions(given, ATOM_QUERY_FIELDS, "query");
  const filter = parseFilter(query);
  const { limit = DEFAULT_LIMIT, before, after } = query;
  assertLimit(limit, "query.limit");
  const beforeId = before === undefined ? undefined : parseAtomId(before, "query.before");
  const afterId = after === undefined ? undefined : parseAtomId(after, "query.after");
  const order = afterId !== undefined && beforeId === undefined ? "oldest-first" : "newest-first";
  return { ...filter, beforeId, afterId, order, limit };
}

type AtomFilter = Pick<Hooks.AtomSelection, "sessionId" | "userId" | "memoryTypes">;

/** @param query The options, already read. */
export function parseFilter(query: Pick<AtomStreamQuery, "userId" | "sessionId" | "memoryType">): AtomFilter {
  const userId = guardOf(query, "query");
  const { sessionId, memoryType } = query;
  if (sessionId !== undefined) assertName(sessionId, "query.sessionId");
  return {
    userId,
    sessionId: sessionId === undefined ? undefined : encodeText(sessionId),
    memoryTypes: memoryType === undefined ? undefined : parseMemoryTypes(memoryType),
  };
}

function parseMemoryTypes(memoryType: unknown): string[] {
  const isList = typeof memoryType === "object" && memoryType !== null;
  const types = isList
    ? readList(memoryType, "query.memoryType", parseType)
    : [parseType(memoryType, "query.memoryType")];
  return [...new Set(types)];
}

function parseType(type: unknown, path: string): string {
  assertName(type, path);
  return encodeText(type);
}

/** The first page of a selection, and all pages after it. */
export async function* atomPages(
  first: Hooks.AtomSelection,
  select: (page: Hooks.AtomSelection) => Promise<readonly AtomRow[]>,
): AsyncGenerator<readonly AtomRow[]> {
  let page = first;
  for (;;) {
    const rows = await select(page);
    yield rows;
    const last = rows.at(-1);
    if (rows.length < page.limit || last === undefined) return;
    page = page.order === "newest-first" ? { ...page, beforeId: last.id } : { ...page, afterId: last.id };
  }
}
