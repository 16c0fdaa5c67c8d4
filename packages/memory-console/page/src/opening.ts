/** What came with the page, and is there when it is drawn first. */
import type { Opening, SessionPage } from "../../src/wire.ts";

const opening: Opening = JSON.parse(document.getElementById("opening")?.textContent ?? "");
let { sessions } = opening;

export const { overview } = opening;

/** For the list that the page opens with; whoever opens one later asks anew. */
export function openingSessions(): SessionPage | undefined {
  return sessions;
}

/** The page has been drawn. */
export function endOpening(): void {
  sessions = undefined;
}
