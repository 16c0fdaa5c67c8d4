import type { MemoryStorage } from "@rivet/memory-core";

const BATCH = 2_000;

/** Many sessions of one message each, in few transactions. */
export async function saveCrowd(storage: MemoryStorage, sessions: number): Promise<void> {
  for (let start = 0; start < sessions; start += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, sessions - start) }, (_, index) => ({
      sessionId: `session_${String(start + index).padStart(6, "0")}`,
      userId: `user-${(start + index) % 10}`,
      memoryType: "message_user",
      content: "The drive trips with F0002.",
    }));
    await storage.saveMemoryAtoms(batch);
  }
}

/** One session of many messages, some of them long and some with code. */
export async function saveLongSession(storage: MemoryStorage, messages: number): Promise<string> {
  const sessionId = "session_long";
  for (let start = 0; start < messages; start += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, messages - start) }, (_, index) => ({
      sessionId,
      userId: "user-1",
      memoryType: (start + index) % 2 === 0 ? "message_user" : "message_assistant",
      content: textOf(start + index),
    }));
    await storage.saveMemoryAtoms(batch);
  }
  return sessionId;
}

function textOf(number: number): string {
  const sentence = `Message ${number} of a long conversation about \`P1121\`, the **ramp-down** time. `;
  if (number % 7 === 3) return `${sentence}\n\n\`\`\`ini\nP1121 = ${number}\nP1237 = 4\n\`\`\``;
  return sentence.repeat(1 + (number % 5));
}
