import { EventSourceParserStream } from "eventsource-parser/stream";
import { authorization } from "./token.ts";

/** As long as browsers wait. */
const RETRY_MS = 3_000;

interface Listeners {
  onOpen(): void;
  onLost(): void;
  onEvent(name: string, data: string): void;
}

/**
 * Follows server-sent events, and tries again when the connection is lost. An `EventSource` does the same but sends no
 * header, so that it could not show the token.
 *
 * @returns when the server refuses, or the signal ends it.
 */
export async function followEvents(address: string, signal: AbortSignal, listeners: Listeners): Promise<void> {
  while (!signal.aborted) {
    if ((await followOnce(address, signal, listeners)) === "refused" || signal.aborted) return;
    listeners.onLost();
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

async function followOnce(
  address: string,
  signal: AbortSignal,
  { onOpen, onEvent }: Listeners,
): Promise<"refused" | "lost"> {
  try {
    const response = await fetch(address, { headers: { ...authorization() }, signal });
    // A console that has too many pages, or is just starting, answers later.
    if (response.status >= 500) return "lost";
    if (!response.ok || response.body === null) return "refused";
    onOpen();
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const reader = events.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      onEvent(next.value.event ?? "message", next.value.data);
    }
    return "lost";
  } catch {
    return "lost";
  }
}
