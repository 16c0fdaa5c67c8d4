/** The failures and recoveries of the servers during the conversation. */
import type { DatabaseManager } from "@rivet/db-manager";
import { untilJournalIsEmpty } from "./convergence.ts";
import { PROVIDERS, type ProviderServers } from "./providers.ts";
import type { Chronicle } from "./story-events.ts";
import * as terminal from "./terminal.ts";

export interface Stage {
  readonly servers: ProviderServers;
  readonly db: DatabaseManager;
  readonly journalPath: string;
  readonly chronicle: Chronicle;
}

/** The acts, with the tenth of the turns after which each takes place. */
const ACTS: readonly (readonly [tenths: number, act: (stage: Stage) => Promise<void>])[] = [
  [2, killNeon],
  [3, cutOffSupabase],
  [5, killRailway],
  [7, bringAllBack],
  [8, awaitEmptyJournal],
  [9, awaitAllUp],
];

/** The acts before each turn, counted from 0; a transcript of any length has room for all of them. */
export function scenesOf(turns: number, stage: Stage): ReadonlyMap<number, () => Promise<void>> {
  const scenes = new Map<number, () => Promise<void>>();
  for (const [tenths, act] of ACTS) {
    const turn = Math.ceil((tenths * turns) / 10);
    const before = scenes.get(turn);
    scenes.set(turn, async () => {
      await before?.();
      await act(stage);
    });
  }
  return scenes;
}

async function killNeon({ servers, chronicle }: Stage): Promise<void> {
  chronicle.note({ kind: "down", provider: "neon", how: "killed" });
  await servers.kill("neon");
  terminal.event("neon is killed (SIGKILL)");
}

async function cutOffSupabase({ servers, chronicle }: Stage): Promise<void> {
  chronicle.note({ kind: "down", provider: "supabase", how: "cut off" });
  servers.cutOff("supabase");
  terminal.event("supabase is cut off: data sent to it is lost without an error");
}

async function killRailway({ servers, db, chronicle }: Stage): Promise<void> {
  // Detecting a silent server takes a second. A save that meets the next failure before that may have to wait.
  await db.healthCheck("supabase");
  chronicle.note({ kind: "down", provider: "railway", how: "killed" });
  await servers.kill("railway");
  terminal.event("railway is killed too: no database is left");
}

async function bringAllBack({ servers, chronicle }: Stage): Promise<void> {
  const back = PROVIDERS.map(async (provider) => {
    await servers.bringBack(provider);
    chronicle.note({ kind: "back", provider });
  });
  await Promise.all(back);
  terminal.event("all three are back; each catches up before it takes work");
}

async function awaitEmptyJournal({ journalPath, chronicle }: Stage): Promise<void> {
  const startMs = performance.now();
  const left = await untilJournalIsEmpty(journalPath);
  if (left.length > 0) {
    terminal.problem(`the journal still holds atoms for ${left.join(" and ")}`);
    return;
  }
  chronicle.note({ kind: "journal empty" });
  terminal.event(`the journal is empty: all three servers have its atoms, ${terminal.sinceText(startMs)} later`);
}

async function awaitAllUp({ db }: Stage): Promise<void> {
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      const stats = db.getProviderStats();
      if (!PROVIDERS.every((name) => stats[name]?.state === "up")) return;
      db.off("stateChange", look);
      resolve();
    };
    db.on("stateChange", look);
    look();
  });
  terminal.event(`all servers have stayed healthy and neon takes the work again, ${terminal.sinceText(startMs)} later`);
}
