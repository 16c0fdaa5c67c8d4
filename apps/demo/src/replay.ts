import { Session, SESSION_METADATA, type MemoryStorage, type Message, type NewMemoryAtom } from "@rivet/memory-core";
import type { Acknowledgement } from "./acknowledgements.ts";
import type { MessageEvent, SessionEvent, Transcript, TurnEvent } from "./transcript.ts";

/**
 * Lives through the transcript as an agent would, one save a turn, in a session of its own.
 *
 * @param onTurn called with what was acknowledged, before the next turn begins.
 */
export async function replay(
  transcript: Transcript,
  storage: MemoryStorage,
  onTurn: (turn: number, acknowledged: readonly Acknowledgement[]) => void,
): Promise<void> {
  const session = beginSession(transcript.session, storage);
  for (const [index, events] of transcript.turns.entries()) {
    onTurn(index + 1, await playTurn(events, session, storage));
  }
}

export function beginSession({ userId, metadata }: SessionEvent, storage: MemoryStorage): Session {
  return new Session({ userId, storage, metadata });
}

/** Adds what happened to the session, saves it, and returns every atom that was acknowledged. */
export async function playTurn(
  events: readonly TurnEvent[],
  session: Session,
  storage: MemoryStorage,
): Promise<Acknowledgement[]> {
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
        // Its id is minted now, so that it keeps its place between the messages.
        const { memoryType, content, metadata } = event;
        atoms.push({ id: storage.clock.next(), sessionId, userId, memoryType, content, metadata });
      }
    }
  }
  const { written } = await session.save();
  const saved = await storage.saveMemoryAtoms(atoms);
  // The session itself mints the id of what it saves of its metadata.
  const isMetadataSaved = written > messages.length;
  const metadataAtoms = isMetadataSaved
    ? await storage.queryMemoryAtoms({ sessionId, memoryType: SESSION_METADATA, limit: 1 })
    : [];
  return [
    ...metadataAtoms,
    ...messages.map(({ role, ...message }) => ({ ...message, memoryType: `message_${role}` })),
    ...saved,
  ].map(({ id, memoryType, content, metadata }) => ({ sessionId, id, memoryType, content, metadata }));
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
