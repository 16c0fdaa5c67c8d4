import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { recentSessions } from "./reading/sessions.ts";
import type { ConsoleStorage } from "./reading/storage.ts";
import type { Opening, Overview } from "./wire.ts";

/**
 * The time that the page waits for its first content. If the store takes longer, the page requests it and shows that it
 * is loading.
 */
const PATIENCE_MS = 200;
/** Ends the first tag of the element that holds the opening: a script of data, which no browser runs. */
const PLACE = 'type="application/json">';

/** The first content of the page, without sessions if the storage is slow or fails. */
export async function openingOf(storage: ConsoleStorage, overview: Overview): Promise<Opening> {
  const sessions = await Promise.race([
    recentSessions(storage).catch(() => undefined),
    delay(PATIENCE_MS, undefined, { ref: false }),
  ]);
  return sessions === undefined ? { overview } : { overview, sessions };
}

/** The page with its opening in it; the browser fetches the script, which stands before, while the storage is asked. */
export async function* withOpening(html: string, read: () => Promise<Opening>): AsyncGenerator<string> {
  const place = html.indexOf(PLACE) + PLACE.length;
  yield html.slice(0, place);
  // A store may keep this process busy until it has answered: what was written has to leave before.
  await nextTurn();
  // Without a `<`, no text ends the element or begins another.
  yield JSON.stringify(await read()).replaceAll("<", "\\u003c") + html.slice(place);
}
