/** What is done to the providers while a writer saves in a loop. */
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import type { Writer } from "./writer.ts";

export interface Fault {
  readonly name: string;
  /** The longest gap between two acknowledgements that 99 % of the trials may have, in ms; undefined for any. */
  readonly longestGapMs: number | undefined;
  readonly dwellMs?: number;
  /** Does it, and waits until what is to be measured is over. */
  readonly strike: (cluster: Cluster, writer: Writer) => Promise<void>;
  /** Makes it undone for the next trial. */
  readonly mend: (cluster: Cluster) => Promise<void> | void;
}

/** The delay of a hedge (150 ms) and 100 ms. */
const SILENCE_MS = 250;
/** Saves after the fault, which show that all is well again. */
const SAVES_AFTER = 200;

const pass = (cluster: Cluster): void => cluster.cutAll("pass");

async function moveOn(writer: Writer): Promise<void> {
  await writer.untilAt("supabase");
  await writer.saves(SAVES_AFTER);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "killed",
    longestGapMs: 100,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      await cluster.server("neon").stop("kill");
      await moved;
    },
    mend: (cluster) => cluster.server("neon").start(),
  },
  {
    name: "reset-and-refused",
    longestGapMs: 100,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      cluster.proxy("neon").setMode("refuse");
      await moved;
    },
    mend: pass,
  },
  {
    name: "stopped",
    longestGapMs: SILENCE_MS,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      await cluster.server("neon").pause();
      await moved;
    },
    mend: (cluster) => cluster.server("neon").resume(),
  },
  {
    name: "packets-swallowed",
    longestGapMs: SILENCE_MS,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      cluster.proxy("neon").setMode("black-hole");
      await moved;
    },
    mend: pass,
  },
  {
    name: "reply-swallowed",
    longestGapMs: SILENCE_MS,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      cluster.proxy("neon").setMode("swallow-replies");
      await moved;
    },
    mend: pass,
  },
  {
    name: "primary-back",
    longestGapMs: 50,
    // The way back is the same with a shorter one, and 50 trials are sooner over.
    dwellMs: 1_500,
    strike: async (cluster, writer) => {
      const moved = moveOn(writer);
      cluster.proxy("neon").setMode("refuse");
      await moved;
      writer.forgetGaps();
      await writer.saves(SAVES_AFTER);
      const back = writer.untilAt("neon");
      cluster.proxy("neon").setMode("pass");
      await back;
      await writer.saves(SAVES_AFTER);
    },
    mend: pass,
  },
  {
    name: "all-gone-and-back",
    longestGapMs: undefined,
    strike: async (cluster, writer) => {
      const local = writer.untilAt("local");
      cluster.cutAll("refuse");
      await local;
      await writer.saves(SAVES_AFTER);
      const back = writer.untilAt("(neon|supabase|railway)");
      cluster.cutAll("pass");
      await back;
      // The time in which the journal has to be empty.
      await delay(5_000);
    },
    mend: pass,
  },
];
