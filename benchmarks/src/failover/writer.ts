import { runScript, type ScriptRun } from "@rivet/local-servers";
import { writerSummary, type WriterSettings, type WriterSummary } from "./writer-process.ts";

/** A writer in a process of its own, as seen from here. */
export class Writer {
  readonly #run: ScriptRun;
  readonly #waiting = new Set<{
    readonly pattern: RegExp;
    readonly resolve: () => void;
    readonly reject: (reason: Error) => void;
  }>();
  #saves = 0;
  #lastLine = "";

  private constructor(run: ScriptRun) {
    this.#run = run;
    void this.#read();
  }

  /** @returns once it saves, warmed up. */
  static async start(settings: WriterSettings): Promise<Writer> {
    const writer = new Writer(runScript(new URL("writer-process.ts", import.meta.url), [JSON.stringify(settings)]));
    await writer.#until(/^ready$/);
    return writer;
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

  async end(): Promise<WriterSummary> {
    this.#run.child.kill("SIGTERM");
    const { exit, errors } = await this.#run.ended;
    if (exit !== 0) throw new Error(`the writer ended with ${exit}: ${errors}`);
    return writerSummary.parse(JSON.parse(this.#lastLine));
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
    const { errors } = await this.#run.ended;
    for (const { reject } of this.#waiting) reject(new Error(`the writer has ended: ${errors}`));
  }

  #until(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.add({ pattern, resolve, reject }));
  }
}
