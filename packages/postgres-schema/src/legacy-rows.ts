/** Pure functions that convert rows of the Python original to atoms. */
import {
  AtomClock,
  encodeText,
  parseJson,
  roleOf,
  SESSION_METADATA,
  toJsonText,
  type AtomRow,
  type JsonObject,
  type JsonValue,
} from "@rivet/memory-core";

/** A row of the old table, its JSON as text. */
export interface LegacyRow {
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly memoryType: string | null;
  readonly content: string | null;
  readonly metadata: string | null;
  readonly createdAtMs: number;
}

/** The name for sessions, users and roles without one. */
const UNKNOWN = "unknown";
/** The type of a message whose role is not known. */
const LEGACY_MESSAGE = "legacy_message";

/** Names of roles in other frameworks. */
const ROLES: Readonly<Record<string, string>> = {
  user: "user",
  human: "user",
  assistant: "assistant",
  ai: "assistant",
  system: "system",
  tool: "tool",
  function: "tool",
};

/** Fields of a session's metadata row that are not metadata of the caller. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "session_id",
  "user_id",
  "created_at",
  "last_active",
  "message_count",
]);

/**
 * Turns rows into atoms, which must come session by session and in their order within each. It mints the ids: their
 * time is the row's, never goes back within a session, and is neither before 1970 nor after now.
 */
export class LegacyConverter {
  readonly #nowMs: number;
  #sessionId: string | undefined;
  #userId = UNKNOWN;
  #timeMs = 0;
  #clock = new AtomClock();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  convert(row: LegacyRow): AtomRow {
    const sessionId = encodeText(row.sessionId || UNKNOWN);
    if (sessionId !== this.#sessionId) {
      this.#sessionId = sessionId;
      // A session has one owner: the user of its first row.
      this.#userId = encodeText(row.userId || UNKNOWN);
      this.#clock = new AtomClock({ now: () => this.#timeMs });
    }
    this.#timeMs = Math.min(Math.max(Number.isFinite(row.createdAtMs) ? row.createdAtMs : 0, 0), this.#nowMs);
    const { memoryType, content, metadata } = meaningOf(row);
    return {
      sessionId,
      id: this.#clock.next(),
      userId: this.#userId,
      memoryType: encodeText(memoryType),
      content: toJsonText(content),
      metadata: toJsonText(metadata),
      createdAtMs: this.#timeMs,
      expiresAtMs: null,
    };
  }
}

interface Meaning {
  readonly memoryType: string;
  readonly content: JsonValue;
  readonly metadata: JsonObject;
}

function meaningOf(row: LegacyRow): Meaning {
  const memoryType = row.memoryType || UNKNOWN;
  const content = row.content === null ? null : parseJson(row.content);
  const metadata = row.metadata === null ? {} : objectOf(parseJson(row.metadata), "metadata");
  if (memoryType === SESSION_METADATA) {
    return { memoryType, content: { set: metadataOf(objectOf(content, "content")), removed: [] }, metadata };
  }
  return memoryType.startsWith("message_")
    ? messageOf(memoryType, content, metadata)
    : { memoryType, content, metadata };
}

/**
 * `{ role, content, message_index, … }`; what else stands in it, such as a timestamp, becomes metadata of the message.
 */
function messageOf(memoryType: string, content: JsonValue, metadata: JsonObject): Meaning {
  const { role, content: text, message_index: _, ...others } = objectOf(content, "content");
  const ofType = roleOf(memoryType) ?? memoryType.slice("message_".length);
  const known = [ofType, role].map((name) => (typeof name === "string" ? ROLES[name.toLowerCase()] : undefined));
  const name = known.find((one) => one !== undefined);
  if (name === undefined) return { memoryType: LEGACY_MESSAGE, content, metadata };
  return {
    memoryType: `message_${name}`,
    content: typeof text === "string" ? text : JSON.stringify(text ?? ""),
    metadata: { ...others, ...metadata },
  };
}

function metadataOf(content: JsonObject): JsonObject {
  const { metadata } = content;
  if (metadata !== undefined && metadata !== null) return objectOf(metadata, "metadata");
  return Object.fromEntries(Object.entries(content).filter(([key]) => !OWN_FIELDS.has(key)));
}

/** Returns an object unchanged, and wraps any other value under a name, so that it is not lost. */
function objectOf(value: JsonValue, name: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  return value === null ? {} : { [name]: value };
}
