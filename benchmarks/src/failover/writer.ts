import { runScript, type ScriptRun } from "@rivet/local-servers";
import { writerSummary, type WriterSettings, type WriterSummary } from "./writer-process.ts";

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** A writer in a process of its own, as seen from here. */
export class Writer {
  readonly settings: WriterSettings;
  readonly #run: ScriptRun;
  readonly #waiting = new Set<Waiter>();
  readonly #ended: Promise<void>;
  readonly #ready: Promise<void>;
  #failure: Error | undefined;
  #killedFor: string | undefined;
  #saves = 0;
  #lastLine = "";

  constructor(settings: WriterSettings) {
    this.settings = settings;
    this.#run = runScript(new URL("writer-process.ts", import.meta.url), [JSON.stringify(settings)]);
    this.#ready = this.#until(/^ready$/);
    this.#ended = this.#read();
  }

  /** Waits until it saves, warmed up. */
  untilReady(): Promise<void> {
    return this.#ready;
  }

  /** Waits until this store accepts what it saves. */
  untilAt(store: string): Promise<void> {
    return this.#until(new RegExp(`^at ${store}$`));
  }

  /** Waits until it has saved so many times more. */
  async saves(count: number): Promise<void> {
    const target = this.#saves + count;
    while (this.#saves < target) await this.#until(/^saves /);
  }

  /** Forgets the gaps until now. */
  forgetGaps(): void {
    this.#run.child.kill("SIGUSR2");
  }

  /** @throws when it did not end by itself and well: an error that nobody caught, or a kill. */
  async end(): Promise<WriterSummary> {
    this.#run.child.kill("SIGTERM");
    await this.#ended;
    if ((await this.#run.ended).exit !== 0) throw this.#failure;
    return writerSummary.parse(JSON.parse(this.#lastLine));
  }

  kill(reason: string): void {
    this.#killedFor ??= reason;
    this.#run.child.kill("SIGKILL");
  }

  async #read(): Promise<void> {
    for await (const line of this.#run.lines) {
      this.#lastLine = line;
      if (line.startsWith("saves ")) this.#saves = Number(line.slice("saves ".length));
      for (const waiter of this.#waiting) {
        if (!waiter.pattern.test(line)) continue;
        this.#waiting.delete(waiter);
        waiter.resolve();
      }
    }
    const { exit, errors } = await this.#run.ended;
    this.#failure = new Error(`the writer ended with ${exit}: ${this.#killedFor ?? errors}`);
    for (const { reject } of this.#waiting) reject(this.#failure);
  }

  #until(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure === undefined) this.#waiting.add({ pattern, resolve, reject });
      else reject(this.#failure);
    });
  }
}
