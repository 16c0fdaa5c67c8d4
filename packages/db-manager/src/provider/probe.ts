import type { Health } from "./health.ts";
import type { ReturnGuard } from "./return-guards.ts";

interface ProbeSteps {
  readonly health: Health;
  /** Asks the server; undefined when that failed, which is then counted already. */
  readonly ask: () => Promise<{ readonly isReadOnly: boolean } | undefined>;
  /** Whether what has to be done before the provider takes work again was done; what failed is counted already. */
  readonly pass: (step: keyof ReturnGuard) => Promise<boolean>;
}

/** One probe of a provider that takes no work, and what follows from it. */
export async function probe({ health, ask, pass }: ProbeSteps): Promise<void> {
  const answer = await ask();
  if (answer === undefined) return;
  // A suspect was not away: nothing about it can have changed.
  const isAway = health.state !== "suspect";
  if (isAway && !answer.isReadOnly && !(await pass("admit"))) return;
  health.apply({ type: "probed", isReadOnly: answer.isReadOnly });
  if (health.state !== "catching-up" || health.current.isCaughtUp) return;
  if (await pass("catchUp")) health.apply({ type: "caught-up" });
}
