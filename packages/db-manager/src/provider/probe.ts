import type { Health } from "./health.ts";
import type { ReturnGuard } from "./return-guards.ts";

interface ProbeSteps {
  readonly health: Health;
  /** Probes the server; undefined if that failed. The failure is then already counted. */
  readonly ask: () => Promise<{ readonly isReadOnly: boolean } | undefined>;
  /** Whether the guards passed that must pass before the provider takes work again. A failure is already counted. */
  readonly pass: (step: keyof ReturnGuard) => Promise<boolean>;
}

/** Probes a provider that takes no work, and updates its health. */
export async function probe({ health, ask, pass }: ProbeSteps): Promise<void> {
  const answer = await ask();
  if (answer === undefined) return;
  // A suspect provider was not away, so nothing about it can have changed.
  const isAway = health.state !== "suspect";
  if (isAway && !answer.isReadOnly && !(await pass("admit"))) return;
  health.apply({ type: "probed", isReadOnly: answer.isReadOnly });
  if (health.state !== "catching-up" || health.current.isCaughtUp) return;
  if (await pass("catchUp")) health.apply({ type: "caught-up" });
}
