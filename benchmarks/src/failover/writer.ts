import { WatchedScript } from "../watched-script.ts";
import { writerSummary, type WriterSettings, type WriterSummary } from "./writer-process.ts";

/** A writer in a process of its own, as seen from here. */
export class Writer {
  readonly settings: WriterSettings;
  readonly #script: WatchedScript;
  readonly #ready: Promise<void>;
  #saves = 0;
  #lastLine = "";

  constructor(settings: WriterSettings) {
    this.settings = settings;
    const file = new URL("writer-process.ts", import.meta.url);
    this.#script = new WatchedScript(file, [JSON.stringify(settings)], (line) => {
      this.#lastLine = line;
      if (line.startsWith("saves ")) this.#saves = Number(line.slice("saves ".length));
    });
    this.#ready = this.#script.until(/^ready$/);
  }

  /** Waits until it saves, warmed up. */
  untilReady(): Promise<void> {
    return this.#ready;
  }

  /** Waits until this store accepts what it saves. */
  untilAt(store: string): Promise<void> {
    return this.#script.until(new RegExp(`^at ${store}$`));
  }

  /** Waits until it has saved so many times more. */
  async saves(count: number): Promise<void> {
    const target = this.#saves + count;
    while (this.#saves < target) await this.#script.until(/^saves /);
  }

  /** Forgets the gaps until now. */
  forgetGaps(): void {
    this.#script.signal("SIGUSR2");
  }

  /** @throws when it did not end by itself and well: an error that nobody caught, or a kill. */
  async end(): Promise<WriterSummary> {
    this.#script.signal("SIGTERM");
    await this.#script.end();
    return writerSummary.parse(JSON.parse(this.#lastLine));
  }

  kill(reason: string): void {
    this.#script.kill(reason);
  }
}
