/** What happens in the failover story, and when. */
import type { ProviderName } from "./providers.ts";

/** In ms from the beginning of the conversation. */
interface Timed {
  readonly atMs: number;
}

type Happening =
  /** The stores are those of the receipt; `local` is the journal. */
  | { readonly kind: "saved"; readonly turn: number; readonly stores: readonly string[]; readonly tookMs: number }
  | { readonly kind: "down"; readonly provider: ProviderName; readonly how: "killed" | "cut off" }
  /** It answers again; it takes no work yet. */
  | { readonly kind: "back"; readonly provider: ProviderName }
  /** It takes work again. */
  | { readonly kind: "up"; readonly provider: string }
  | { readonly kind: "journal empty" }
  /** Every provider has what any other has. */
  | { readonly kind: "equal" };

export type StoryEvent = Happening & Timed;

/** Notes what happens with its time. */
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
