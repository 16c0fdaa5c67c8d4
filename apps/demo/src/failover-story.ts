/** A conversation that goes on while its databases die and come back. */
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseManager } from "@rivet/db-manager";
import type { SaveReceipt } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { whereAtomsAre } from "./atom-places.ts";
import { PROVIDERS, ProviderServers } from "./providers.ts";
import { beginSession, playTurn } from "./replay.ts";
import * as terminal from "./terminal.ts";
import type { Transcript } from "./transcript.ts";

/** How often to look whether the journal is empty, in ms. */
const LOOK_EVERY_MS = 20;

/** @returns the exit code: 1 when an acknowledged atom is lost, or is twice in one store. */
export async function tellFailoverStory(transcript: Transcript, journalPath: string): Promise<number> {
  terminal.heading("Three PostgreSQL servers, called neon, supabase and railway, and a local journal");
  await using servers = await ProviderServers.start();
  const providers = PROVIDERS.map((name) => ({ name, connectionString: servers.urls[name] }));
  await using db = new DatabaseManager({ providers, journalPath });
  await using storage = await new PostgresMemoryStorage({ db }).open();
  terminal.note("they run, with their tables; the conversation begins");

  const session = beginSession(transcript.session, storage);
  const acknowledgedIds = new Set<string>();
  const { turns } = transcript;
  const scenes = scenesOf(turns.length, { servers, db, journalPath });
  let longestMs = 0;
  for (const [index, events] of turns.entries()) {
    await scenes.get(index)?.();
    const startMs = performance.now();
    const { acknowledged, receipt } = await playTurn(events, session, storage);
    const tookMs = performance.now() - startMs;
    longestMs = Math.max(longestMs, tookMs);
    for (const { id } of acknowledged) acknowledgedIds.add(id);
    terminal.printTurn(index + 1, turns.length, placeOf(receipt), tookMs);
  }
  await scenes.get(turns.length)?.();
  terminal.note(`the longest that the user of the agent waited for a turn to be saved: ${terminal.inMs(longestMs)}`);

  const atoms = await whereAtomsAre(session.sessionId, servers.urls, journalPath);
  terminal.printPlaces(atoms, [...PROVIDERS, "journal"]);
  const lost = [...acknowledgedIds].filter((id) => !atoms.some((atom) => atom.id === id));
  const doubled = atoms.filter(({ copies }) => [...copies.values()].some((count) => count > 1));
  console.log();
  for (const id of lost) terminal.problem(`the acknowledged atom ${id} is nowhere`);
  for (const { id } of doubled) terminal.problem(`the atom ${id} is twice in one store`);
  if (lost.length + doubled.length > 0) return 1;
  terminal.success(
    `none of ${acknowledgedIds.size} acknowledged messages and atoms is lost, and none is twice in a store`,
  );
  return 0;
}

interface Stage {
  readonly servers: ProviderServers;
  readonly db: DatabaseManager;
  readonly journalPath: string;
}

/** What happens before which turn: a transcript of any length has room for all of it. */
function scenesOf(turns: number, stage: Stage): ReadonlyMap<number, () => Promise<void>> {
  const acts = [killPrimary, killAll, bringBack];
  const scenes = new Map<number, () => Promise<void>>();
  for (const [index, act] of acts.entries()) {
    const turn = Math.ceil(((index + 1) * turns) / (acts.length + 1));
    const before = scenes.get(turn);
    scenes.set(turn, async () => {
      await before?.();
      await act(stage);
    });
  }
  return scenes;
}

async function killPrimary({ servers }: Stage): Promise<void> {
  await servers.kill("neon");
  terminal.event("neon is killed (SIGKILL)");
}

async function killAll({ servers }: Stage): Promise<void> {
  await servers.kill("supabase", "railway");
  terminal.event("supabase and railway are killed too: no database is left");
}

async function bringBack({ servers, db, journalPath }: Stage): Promise<void> {
  await servers.bringBack(...PROVIDERS);
  terminal.event("all three servers are started again");
  const startMs = performance.now();
  const isNeonBack = new Promise<void>((resolve) => {
    if (db.provider === "neon" && db.getProviderStats()["neon"]?.state === "up") resolve();
    db.on("stateChange", ({ provider, to }) => {
      if (provider === "neon" && to === "up") resolve();
    });
  });
  await untilEmpty(journalPath);
  terminal.event(`the journal is empty: all three have what it held, ${sinceText(startMs)} after their return`);
  await isNeonBack;
  terminal.event(`neon has stayed well and takes the work again, ${sinceText(startMs)} after its return`);
}

async function untilEmpty(journalPath: string): Promise<void> {
  await using file = new SQLiteStorage(journalPath);
  const isEmpty = async (): Promise<boolean> => {
    const left = await Promise.all(PROVIDERS.map((name) => file.journal.pending(name, undefined, 1)));
    return left.every((rows) => rows.length === 0);
  };
  while (!(await isEmpty())) await delay(LOOK_EVERY_MS);
}

function sinceText(startMs: number): string {
  return `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
}

function placeOf({ acceptedBy }: SaveReceipt): string {
  return acceptedBy.map((place) => (place === "local" ? "the local journal" : place)).join(" and ");
}
