import { Session, type MemoryStorage } from "@rivet/memory-core";

/** A red square of 24 × 16 pixels. */
export const PNG_BASE64 =
  "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAIAAACDRijCAAAAIElEQVR42mM4JOdJFcQwatCoQaMGjRo0atCoQaMGjRpEGwQAzK1xk2kBHf4AAAAASUVORK5CYII=";

export const HOSTILE_TEXT = '<script>window.stolen = true</script><img src=x onerror="window.stolen = true">';

/** A technician's conversation as an agent would keep it: tools, facts, metadata, an image, code. */
export async function saveStory(storage: MemoryStorage): Promise<Session> {
  const session = new Session({
    userId: "technician-7",
    storage,
    metadata: { title: "Centrifuge 3 trips with F0002", plant: "north", status: "open" },
  });
  const { sessionId, userId } = session;
  const fact = async (memoryType: string, content: unknown): Promise<void> => {
    await session.save();
    await storage.saveMemoryAtom({ sessionId, userId, memoryType, content });
  };
  session.addSystemMessage(
    "You are a maintenance assistant for variable-speed drives. Never advise work on a live DC link.",
  );
  session.addUserMessage("Drive on centrifuge 3 trips with F0002. Second time this shift, always when it stops.");
  session.addAssistantMessage([
    { type: "text", text: "Let me look up the fault first." },
    { type: "tool-call", toolCallId: "call_01", toolName: "look_up_fault", input: { code: "F0002" } },
  ]);
  session.addToolMessage([
    {
      type: "tool-result",
      toolCallId: "call_01",
      toolName: "look_up_fault",
      output: { type: "json", value: { code: "F0002", name: "Overvoltage", causes: ["ramp-down time too short"] } },
    },
  ]);
  session.addAssistantMessage(
    "F0002 is an **overvoltage of the DC link**. Two readings decide:\n\n1. the ramp-down time, `P1121`\n2. whether dynamic braking is on, `P1237`\n\nWhat do they say?",
  );
  await fact("issue", { title: "Centrifuge 3 trips while stopping", code: "F0002", severity: "high", occurrences: 2 });
  session.addUserMessage([
    { type: "text", text: "P1121 reads 10 s. This is the display:" },
    { type: "image", image: PNG_BASE64, mediaType: "image/png" },
  ]);
  session.addAssistantMessage([
    { type: "reasoning", text: "A centrifuge has a large inertia; 10 s is short." },
    {
      type: "tool-call",
      toolCallId: "call_02",
      toolName: "read_parameters",
      input: { parameters: ["P1237", "P1240"] },
    },
  ]);
  session.addToolMessage([
    {
      type: "tool-result",
      toolCallId: "call_02",
      toolName: "read_parameters",
      output: { type: "error-text", value: "the drive did not answer within 2 s" },
    },
  ]);
  session.addAssistantMessage(
    "The drive is silent. Set it at the panel:\n\n```ini\nP1237 = 4   ; dynamic braking, 50 % duty\nP1121 = 30  ; ramp-down, s\n```",
  );
  await fact("decision", {
    decision: "Switch on dynamic braking and lengthen the ramp to 30 s",
    confidence: 0.86,
    reasons: ["inertia", "resistor is fitted"],
  });
  await fact("action", { title: "Set P1237 and P1121 at the panel", state: "in progress", assignee: "technician-7" });
  session.addUserMessage("Done. Three stops without a trip. Thanks!");
  session.setMetadata("status", "solved");
  await session.save();
  return session;
}

/** Saves texts that are hard to display. */
export async function saveHostileStory(storage: MemoryStorage): Promise<Session> {
  const session = new Session({
    userId: "<b>mallory</b>",
    storage,
    sessionId: "hostile \ud800 / <i>id</i> ?#%",
    metadata: { title: HOSTILE_TEXT },
  });
  const { sessionId, userId } = session;
  session.addUserMessage(HOSTILE_TEXT);
  session.addAssistantMessage(
    `a NUL \0, half a character \ud800, a turn \u202e of direction, [a link](javascript:alert(1))`,
  );
  session.addUserMessage("متى بدأ العطل في المحرك رقم 3؟");
  session.addAssistantMessage(`${"All work and no play. ".repeat(Math.ceil((1024 * 1024) / 22))}THE END`);
  session.addAssistantMessage([
    { type: "image", image: "https://example.com/beacon.png" },
    { type: "tool-call", toolCallId: "a", toolName: HOSTILE_TEXT, input: { html: HOSTILE_TEXT } },
  ]);
  await session.save();
  await storage.saveMemoryAtom({
    sessionId,
    userId,
    memoryType: "<script>",
    content: { title: HOSTILE_TEXT, [HOSTILE_TEXT]: HOSTILE_TEXT },
  });
  return session;
}
