import {
  Session,
  SESSION_METADATA,
  type MemoryStorage,
  type Message,
  type NewMemoryAtom,
  type SaveReceipt,
} from "@rivet/memory-core";
import type { Acknowledgement } from "./acknowledgements.ts";
import type { MessageEvent, SessionEvent, Transcript, TurnEvent } from "./transcript.ts";

/**
 * Replays the transcript as an agent would, with one save per turn, in a new session.
 *
 * @param onTurn Called with the acknowledged atoms, before the next turn begins.
 */
export async function replay(
  transcript: Transcript,
  storage: MemoryStorage,
  onTurn: (turn: number, acknowledged: readonly Acknowledgement[]) => void,
): Promise<void> {
  const session = beginSession(transcript.session, storage);
  for (const [index, events] of transcript.turns.entries()) {
    const { acknowledged, isMetadataSaved } = await playTurn(events, session, storage);
    // The session itself creates the id of its metadata atom.
    const metadata = isMetadataSaved
      ? await storage.queryMemoryAtoms({ sessionId: session.sessionId, memoryType: SESSION_METADATA, limit: 1 })
      : [];
    onTurn(index + 1, [...metadata.map(toAcknowledgement), ...acknowledged]);
  }
}

export function beginSession({ userId, metadata }: SessionEvent, storage: MemoryStorage): Session {
  return new Session({ userId, storage, metadata });
}

export interface PlayedTurn {
  /** The messages and atoms that were acknowledged. */
  readonly acknowledged: readonly Acknowledgement[];
  /** Whether an atom of session metadata was acknowledged too. */
  readonly isMetadataSaved: boolean;
  readonly receipt: SaveReceipt;
}

/** Adds the events of a turn to the session, and saves it. */
export async function playTurn(
  events: readonly TurnEvent[],
  session: Session,
  storage: MemoryStorage,
): Promise<PlayedTurn> {
  const { sessionId, userId } = session;
  const messages: Message[] = [];
  const atoms: NewMemoryAtom[] = [];
  for (const event of events) {
    switch (event.type) {
      case "message":
        messages.push(addMessage(session, event));
        break;
      case "metadata":
        for (const [key, value] of Object.entries(event.set)) session.setMetadata(key, value);
        for (const key of event.removed) session.deleteMetadata(key);
        break;
      case "atom": {
        // The id is created now, so that the atom keeps its place between the messages.
        const { memoryType, content, metadata } = event;
        atoms.push({ id: storage.clock.next(), sessionId, userId, memoryType, content, metadata });
      }
    }
  }
  const receipt = await session.save();
  const saved = await storage.saveMemoryAtoms(atoms);
  const saidAtoms = messages.map(({ role, ...message }) => ({ ...message, sessionId, memoryType: `message_${role}` }));
  return {
    acknowledged: [...saidAtoms, ...saved].map(toAcknowledgement),
    isMetadataSaved: receipt.written > messages.length,
    receipt,
  };
}

function toAcknowledgement({ sessionId, id, memoryType, content, metadata }: Acknowledgement): Acknowledgement {
  return { sessionId, id, memoryType, content, metadata };
}

function addMessage(session: Session, { role, content, metadata }: MessageEvent): Message {
  switch (role) {
    case "user":
      return session.addUserMessage(content, metadata);
    case "assistant":
      return session.addAssistantMessage(content, metadata);
    case "system":
      return session.addSystemMessage(content, metadata);
    case "tool":
      return session.addToolMessage(content, metadata);
  }
}
