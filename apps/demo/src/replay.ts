import { Session, type JsonValue, type Message, type MemoryStorage } from "@rivet/memory-core";
import type { AcknowledgementLog } from "./acknowledgements.ts";
import type { Transcript, TurnEvent } from "./transcript.ts";

export interface ReplayProgress {
  readonly turn: number;
  readonly turns: number;
  readonly acknowledged: number;
}

/** Lives through the transcript as an agent would, one save a turn, and notes what was acknowledged. */
export async function replay(
  { session: { userId, metadata }, turns }: Transcript,
  storage: MemoryStorage,
  log: AcknowledgementLog,
  onProgress: (progress: ReplayProgress) => void,
): Promise<string> {
  const session = new Session({ userId, storage, metadata });
  let acknowledged = 0;
  for (const [index, events] of turns.entries()) {
    const messages = events.flatMap((event) => play(event, session) ?? []);
    await session.save();
    const atoms = await storage.saveMemoryAtoms(
      events
        .filter((event) => event.type === "atom")
        .map(({ memoryType, content, metadata: about }) => ({
          sessionId: session.sessionId,
          userId,
          memoryType,
          content,
          metadata: about,
        })),
    );
    const stored = [...messages.map(asAtom), ...atoms];
    log.add(stored.map(({ id, memoryType, content }) => ({ sessionId: session.sessionId, id, memoryType, content })));
    acknowledged += stored.length;
    onProgress({ turn: index + 1, turns: turns.length, acknowledged });
  }
  return session.sessionId;
}

/** The message that the event added, if it is one. */
function play(event: TurnEvent, session: Session): Message | undefined {
  switch (event.type) {
    case "message":
      return add(session, event);
    case "metadata":
      for (const [key, value] of Object.entries(event.set)) session.setMetadata(key, value);
      for (const key of event.removed) session.deleteMetadata(key);
      return undefined;
    case "atom":
      return undefined;
  }
}

function add(session: Session, { role, content, metadata }: Extract<TurnEvent, { type: "message" }>): Message {
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

function asAtom({ id, role, content }: Message): { id: string; memoryType: string; content: JsonValue } {
  return { id, memoryType: `message_${role}`, content: content as JsonValue };
}
