/** A conversation that goes on while its databases die and come back. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseManager } from "@rivet/db-manager";
import type { SaveReceipt } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { whereAtomsAre } from "./atom-places.ts";
import { untilConverged } from "./convergence.ts";
import { drawFailover } from "./failover-picture.ts";
import { problemsOf } from "./placement.ts";
import { PROVIDERS, ProviderServers } from "./providers.ts";
import { beginSession, playTurn } from "./replay.ts";
import { scenesOf } from "./scenes.ts";
import { Chronicle, type StoryEvent } from "./story-events.ts";
import * as terminal from "./terminal.ts";
import type { Transcript } from "./transcript.ts";

/** The pause before each turn, because people think before they write, and the limit for all pauses together. */
const PAUSE_MS = 600;
const ALL_PAUSES_MS = 6_000;

export interface StoryOptions {
  readonly journalPath: string;
  /** The path of the picture; undefined for a new folder in the system's temporary directory. */
  readonly picturePath: string | undefined;
}

/**
 * @returns the exit code: 1 when an acknowledged atom is lost, is stored twice in one store, or is missing in a store.
 */
export async function tellFailoverStory(transcript: Transcript, options: StoryOptions): Promise<number> {
  const { journalPath, picturePath } = options;
  terminal.heading("Three PostgreSQL servers, named neon, supabase and railway, and a local journal");
  await using servers = await ProviderServers.start();
  await using db = new DatabaseManager({ providers: servers.addresses, journalPath });
  await using storage = await new PostgresMemoryStorage({ db }).open();
  terminal.note("the servers are running and have their tables; the conversation begins");

  const chronicle = new Chronicle();
  db.on("stateChange", ({ provider, to }) => {
    if (to === "up") chronicle.note({ kind: "up", provider });
  });
  const scenes = scenesOf(transcript.turns.length, { servers, db, journalPath, chronicle });
  const { sessionId, acknowledgedIds } = await talk(transcript, storage, scenes, chronicle);
  const underWay = await untilConverged(storage, journalPath);
  if (underWay.length === 0) chronicle.note({ kind: "equal" });

  const atoms = await whereAtomsAre(sessionId, servers.urls, journalPath);
  terminal.printPlaces(atoms, [...PROVIDERS, "journal"]);
  terminal.printCounts(atoms, [...PROVIDERS, "journal"]);
  const problems = [...underWay, ...problemsOf(atoms, acknowledgedIds, PROVIDERS)];
  const events = chronicle.events.filter(({ kind }) => kind !== "equal" || problems.length === 0);
  terminal.note(`\npicture: ${writePicture(events, picturePath)}`);
  problems.forEach(terminal.problem);
  if (problems.length > 0) return 1;
  terminal.success(
    `none of ${acknowledgedIds.size} acknowledged messages and atoms is lost, and none is twice in a store`,
  );
  terminal.success(
    `all are equal: ${PROVIDERS.join(", ")} hold the same atoms, ${atoms.length} each, and the journal is empty`,
  );
  return 0;
}

/** Plays the transcript turn by turn, with the scenes before each turn. */
async function talk(
  { session: first, turns }: Transcript,
  storage: PostgresMemoryStorage,
  scenes: ReadonlyMap<number, () => Promise<void>>,
  chronicle: Chronicle,
): Promise<{ sessionId: string; acknowledgedIds: ReadonlySet<string> }> {
  const session = beginSession(first, storage);
  const acknowledgedIds = new Set<string>();
  const pauseMs = Math.min(PAUSE_MS, ALL_PAUSES_MS / turns.length);
  let longestMs = 0;
  for (const [index, events] of turns.entries()) {
    await delay(pauseMs);
    await scenes.get(index)?.();
    const startMs = performance.now();
    const { acknowledged, receipt } = await playTurn(events, session, storage);
    const tookMs = performance.now() - startMs;
    longestMs = Math.max(longestMs, tookMs);
    for (const { id } of acknowledged) acknowledgedIds.add(id);
    chronicle.note({ kind: "saved", turn: index + 1, stores: receipt.acceptedBy, tookMs });
    terminal.printTurn(index + 1, turns.length, placeOf(receipt), tookMs);
  }
  await scenes.get(turns.length)?.();
  terminal.note(`the longest that the user of the agent waited for a turn to be saved: ${terminal.inMs(longestMs)}`);
  return { sessionId: session.sessionId, acknowledgedIds };
}

function placeOf({ acceptedBy }: SaveReceipt): string {
  return acceptedBy.map((place) => (place === "local" ? "the local journal" : place)).join(" and ");
}

/** @returns the path of the picture. */
function writePicture(events: readonly StoryEvent[], path: string | undefined): string {
  const file = resolve(path ?? join(mkdtempSync(join(tmpdir(), "rivet-failover-")), "failover.svg"));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, drawFailover(events));
  return file;
}
