/** The faults that strike providers while a writer saves in a loop. */
import type { Cluster } from "../cluster.ts";
import { untilDrained } from "./journal.ts";
import type { Writer } from "./writer.ts";
import type { WriterSummary } from "./writer-process.ts";

export interface Fault {
  readonly name: string;
  /**
   * The bar for 99 % of the trials: the longest gap between two acknowledgements, or the value that `timeReturn`
   * measures. Infinite for no bar.
   */
  readonly barMs: number;
  readonly dwellMs?: number;
  /** Whether the writer connects to the servers without a proxy. */
  readonly isDirect?: boolean;
  /** Does it, and waits until what is to be measured is over. */
  readonly strike: (cluster: Cluster, writer: Writer) => Promise<void>;
  /** Lets the providers return, and measures how long it takes until the journal is empty. */
  readonly timeReturn?: (cluster: Cluster, writer: Writer) => Promise<number>;
  /** Makes it undone for the next trial. */
  readonly mend: (cluster: Cluster) => Promise<void> | void;
  /**
   * Looks for what is to be true after this fault alone.
   *
   * @param stored the ids by store; under `local`, what is still in the journal.
   * @returns what is wrong.
   */
  readonly check?: (summary: WriterSummary, stored: ReadonlyMap<string, readonly string[]>) => string[];
}

const LOSS_BAR_MS = 100;
/** The delay of a hedge (150 ms) and 100 ms. */
const SILENCE_BAR_MS = 250;
const RETURN_BAR_MS = 50;
const DRAIN_BAR_MS = 5_000;
/** Saves after the fault, which show that all is well again. */
const SAVES_AFTER = 200;
/** As many as there are in a trial of `primary-back`. */
const SAVES_UNDISTURBED = 2_000;

const pass = (cluster: Cluster): void => cluster.cutAll("pass");

/** Does it to the primary, and sees the writer move on. It is done to the end also when the writer dies of it. */
async function moveOn(writer: Writer, act: () => Promise<void> | void): Promise<void> {
  const moved = writer.untilAt("supabase");
  const [acted] = await Promise.allSettled([act(), moved]);
  if (acted.status === "rejected") throw acted.reason;
  await moved;
  await writer.saves(SAVES_AFTER);
}

export const FAULTS: readonly Fault[] = [
  {
    // What the machine itself does to a writer, beside which the others are to be read.
    name: "undisturbed",
    barMs: Infinity,
    strike: (_, writer) => writer.saves(SAVES_UNDISTURBED),
    mend: () => undefined,
  },
  {
    name: "killed",
    barMs: LOSS_BAR_MS,
    isDirect: true,
    strike: (cluster, writer) => moveOn(writer, () => cluster.server("neon").stop("kill")),
    mend: (cluster) => cluster.server("neon").start(),
  },
  {
    name: "reset",
    barMs: LOSS_BAR_MS,
    // New connections pass: it may stay.
    strike: async (cluster, writer) => {
      cluster.proxy("neon").setMode("reset");
      await writer.saves(SAVES_AFTER);
    },
    mend: pass,
  },
  {
    name: "refused",
    barMs: LOSS_BAR_MS,
    strike: (cluster, writer) => moveOn(writer, () => cluster.proxy("neon").setMode("refuse")),
    mend: pass,
  },
  {
    name: "stopped",
    barMs: SILENCE_BAR_MS,
    strike: (cluster, writer) => moveOn(writer, () => cluster.server("neon").pause()),
    mend: (cluster) => cluster.server("neon").resume(),
  },
  {
    name: "black-hole",
    barMs: SILENCE_BAR_MS,
    strike: (cluster, writer) => moveOn(writer, () => cluster.proxy("neon").setMode("black-hole")),
    mend: pass,
  },
  {
    name: "reply-swallowed",
    barMs: SILENCE_BAR_MS,
    strike: (cluster, writer) => moveOn(writer, () => cluster.proxy("neon").setMode("swallow-replies")),
    mend: pass,
    check: ({ acknowledged }, stored) => {
      const [first] = acknowledged["supabase"] ?? [];
      const isCommitted = first !== undefined && stored.get("neon")?.includes(first);
      return isCommitted ? [] : ["the atom whose reply was swallowed is not in neon"];
    },
  },
  {
    name: "primary-back",
    barMs: RETURN_BAR_MS,
    // The way back is the same with a shorter one, and 50 trials are sooner over.
    dwellMs: 1_500,
    strike: async (cluster, writer) => {
      await moveOn(writer, () => cluster.proxy("neon").setMode("refuse"));
      writer.forgetGaps();
      await writer.saves(SAVES_AFTER);
      await Promise.all([writer.untilAt("neon"), pass(cluster)]);
      await writer.saves(SAVES_AFTER);
    },
    mend: pass,
  },
  {
    name: "all-gone-and-back",
    barMs: DRAIN_BAR_MS,
    strike: async (cluster, writer) => {
      await Promise.all([writer.untilAt("local"), cluster.cutAll("refuse")]);
      await writer.saves(SAVES_AFTER);
    },
    timeReturn: async (cluster, writer) => {
      const startMs = performance.now();
      await Promise.all([writer.untilAt("(neon|supabase|railway)"), pass(cluster)]);
      // What takes twice the bar has failed.
      await untilDrained(writer.settings.journalPath, 2 * DRAIN_BAR_MS);
      const returnMs = performance.now() - startMs;
      await writer.saves(SAVES_AFTER);
      return returnMs;
    },
    mend: pass,
    check: (_, stored) => {
      const left = stored.get("local")?.length ?? 0;
      return left > 0 ? [`${left} atoms are still in the journal`] : [];
    },
  },
];
