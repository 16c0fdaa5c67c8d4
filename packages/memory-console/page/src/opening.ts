/** The overview and the first sessions, which are there when the page is drawn first. */
import type { Opening, Overview, SessionPage } from "../../src/wire.ts";
import { read } from "./api.ts";

let sessions: SessionPage | undefined;

/**
 * Takes what came with the page when its address held the token, and asks for it when the page is loaded again.
 *
 * @throws when the console does not answer, or is locked.
 */
export async function loadOpening(): Promise<Overview> {
  const opening = embedded() ?? (await read<Opening>("opening"));
  sessions = opening.sessions;
  return opening.overview;
}

function embedded(): Opening | undefined {
  const text = document.getElementById("opening")?.textContent ?? "";
  return text === "" ? undefined : JSON.parse(text);
}

/** For the list that the page opens with; whoever opens one later asks anew. */
export function openingSessions(): SessionPage | undefined {
  return sessions;
}

/** The page has been drawn. */
export function endOpening(): void {
  sessions = undefined;
}
