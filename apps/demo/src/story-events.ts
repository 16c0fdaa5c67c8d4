/** The events of the failover story, with their times. */
import type { ProviderName } from "./providers.ts";

/** The time in ms since the beginning of the conversation. */
interface Timed {
  readonly atMs: number;
}

type Happening =
  /** The stores of the receipt; `local` is the journal. */
  | { readonly kind: "saved"; readonly turn: number; readonly stores: readonly string[]; readonly tookMs: number }
  | { readonly kind: "down"; readonly provider: ProviderName; readonly how: "killed" | "cut off" }
  /** It answers again, but takes no work yet. */
  | { readonly kind: "back"; readonly provider: ProviderName }
  /** It takes work again. */
  | { readonly kind: "up"; readonly provider: string }
  | { readonly kind: "journal empty" }
  /** All providers have the same atoms. */
  | { readonly kind: "equal" };

export type StoryEvent = Happening & Timed;

/** Records events with their times. */
export class Chronicle {
  readonly events: StoryEvent[] = [];
  readonly #nowMs: () => number;
  readonly #startMs: number;

  constructor(nowMs = (): number => performance.now()) {
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  note(happening: Happening): void {
    this.events.push({ ...happening, atMs: this.#nowMs() - this.#startMs });
  }
}
