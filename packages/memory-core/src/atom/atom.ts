import { MESSAGE_ROLES, type MessageRole } from "../message/message.ts";
import type { JsonObject, JsonValue } from "../json/json.ts";
import type { MemoryError } from "../errors/errors.ts";

/** The memory type of the atoms that hold a session's metadata. */
export const SESSION_METADATA = "session_metadata";

const TYPE_BY_ROLE: Readonly<Record<MessageRole, string>> = {
  user: "message_user",
  assistant: "message_assistant",
  system: "message_system",
  tool: "message_tool",
};
const ROLE_BY_TYPE: ReadonlyMap<string, MessageRole> = new Map(
  MESSAGE_ROLES.map((role) => [messageTypeOf(role), role]),
);

/** The memory types of messages. */
export const MESSAGE_TYPES: readonly string[] = MESSAGE_ROLES.map(messageTypeOf);

/** The memory type of the messages of a role. */
export function messageTypeOf(role: MessageRole): string {
  return TYPE_BY_ROLE[role];
}

/** The role of a message type, or undefined when the atom is not a message. */
export function roleOf(memoryType: string): MessageRole | undefined {
  return ROLE_BY_TYPE.get(memoryType);
}

/** Whether atoms of the type are part of a `Session`: messages or session metadata. */
export function isHistoryType(memoryType: string): boolean {
  return memoryType === SESSION_METADATA || ROLE_BY_TYPE.has(memoryType);
}

/**
 * One immutable JSON fact of a session.
 *
 * `id` is a UUIDv7 and defines the order within the session; `createdAt` is for people to read.
 */
export interface MemoryAtom<Type extends string = string, Content = JsonValue> {
  readonly id: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly memoryType: Type;
  readonly content: Content;
  readonly metadata: JsonObject;
  readonly createdAt: Date;
  /** The time from which no read returns it; absent when it never expires. */
  readonly expiresAt?: Date;
}

/**
 * An atom to save. Without an `id`, one is created. To make a save repeatable after a lost reply, pass an id
 * (`storage.clock.next()`) and use it again. `createdAt` defaults to now, or to the time in the given `id`.
 *
 * From `expiresAt` on, no read returns the atom, and `prune` deletes it. `expiresAt` is part of the atom's content: the
 * same id with another `expiresAt` is a `conflict`. Messages and session metadata do not expire.
 */
export interface NewMemoryAtom<Type extends string = string, Content = unknown> {
  readonly id?: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly memoryType: Type;
  readonly content: Content;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly createdAt?: Date;
  readonly expiresAt?: Date;
}

/** A stored row that cannot be returned as an atom: its text is damaged, or no longer matches its schema. */
export interface UnreadableAtom {
  readonly sessionId: string;
  readonly id: string;
  readonly userId: string;
  readonly memoryType: string;
  /** The content as stored, unchanged. */
  readonly contentText: string;
  /** The metadata as stored, unchanged. */
  readonly metadataText: string;
  /** The reason: code `corrupt`, or `schema` when a typed atom no longer matches. */
  readonly error: MemoryError;
}

/** A list of atoms, with the unreadable rows of the same range as a separate property. */
export type AtomList<Atom> = Atom[] & { readonly unreadable: readonly UnreadableAtom[] };
