/** One result of the doctor. */
export interface Finding {
  /**
   * `problem`: memory is not kept, or not as it should be. `warning`: it may not be for long. `unused`: there is
   * nothing to examine, as nothing names it.
   */
  readonly level: "ok" | "unused" | "warning" | "problem";
  /** The provider, the file or the project. */
  readonly subject: string;
  /** A stable word for programs, such as `unreachable`. */
  readonly topic: string;
  readonly text: string;
  /** The remedy; absent when nothing needs to be done. */
  readonly action?: string;
}

/** Whether nothing needs to be done about what was found. */
export function isFine({ level }: Finding): boolean {
  return level === "ok" || level === "unused";
}

/** The remedy for tables that a later version has created. */
export const UPGRADE =
  "a later version made them: npm install @rivet/memory-cli@latest, and the backend's package where agents run";

export function ok(subject: string, topic: string, text: string): Finding {
  return { level: "ok", subject, topic, text };
}

export function unused(subject: string, topic: string, text: string): Finding {
  return { level: "unused", subject, topic, text };
}

export function warning(subject: string, topic: string, text: string, action: string): Finding {
  return { level: "warning", subject, topic, text, action };
}

export function problem(subject: string, topic: string, text: string, action: string): Finding {
  return { level: "problem", subject, topic, text, action };
}

/**
 * Clocks that differ by more than this are worth a word: ids stay in order all the same, times that people read do not.
 */
const SKEW_MS = 2_000;

/**
 * @param skewMs how far the server's clock is ahead.
 * @param uncertaintyMs half of what the question took.
 */
export function clockFinding(subject: string, skewMs: number, uncertaintyMs: number): Finding {
  const seconds = (Math.abs(skewMs) / 1_000).toFixed(1);
  if (Math.abs(skewMs) - uncertaintyMs <= SKEW_MS)
    return ok(subject, "clock", `its clock and this machine's agree within ${seconds} s`);
  return warning(
    subject,
    "clock",
    `its clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`,
    "let NTP set both: times of messages and the age that prune goes by are off by as much",
  );
}
