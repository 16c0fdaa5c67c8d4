import { Presets, SingleBar } from "cli-progress";

/** A progress display on stderr. */
export interface Progress {
  /** @param done how much is done, of the total if there is one. */
  update(done: number): void;
  stop(): void;
}

export interface ProgressOptions {
  /** The unit of the count: `atoms`. */
  readonly unit: string;
  /** Undefined when it is not known. */
  readonly total?: number | undefined;
}

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5_000;

/** On a terminal a bar with rate and time left; elsewhere a line every five seconds. It goes to stderr. */
export function startProgress({ unit, total }: ProgressOptions, isQuiet: boolean): Progress {
  if (isQuiet) return { update: () => {}, stop: () => {} };
  const startMs = performance.now();
  const rateOf = (done: number): string => `${Math.round((done * 1_000) / (performance.now() - startMs + 1))}/s`;
  if (!process.stderr.isTTY) return startLines(unit, total, rateOf);
  const format =
    total === undefined ? `{value} ${unit}, {rate}` : `{bar} {value} of {total} ${unit}, {rate}, {eta_formatted} left`;
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  bar.start(total ?? 0, 0, { rate: "" });
  return {
    update: (done) => bar.update(done, { rate: rateOf(done) }),
    stop: () => bar.stop(),
  };
}

function startLines(unit: string, total: number | undefined, rateOf: (done: number) => string): Progress {
  let nextMs = performance.now() + LINE_EVERY_MS;
  return {
    update: (done) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + LINE_EVERY_MS;
      process.stderr.write(`${done}${total === undefined ? "" : ` of ${total}`} ${unit}, ${rateOf(done)}\n`);
    },
    stop: () => {},
  };
}
