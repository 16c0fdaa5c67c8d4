import { runScript, type ScriptRun } from "@rivet/local-servers";

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** A script in a process of its own, whose lines can be waited for and which can be told lines. */
export class WatchedScript {
  /** When it has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #run: ScriptRun;
  readonly #waiting = new Set<Waiter>();
  #failure: Error | undefined;
  #killedFor: string | undefined;

  /** @param onLine told of each line before those who wait for it. */
  constructor(file: URL, args: readonly string[], onLine: (line: string) => void) {
    this.#run = runScript(file, args, { hasInput: true });
    // It may be gone before it has read all that it was told.
    this.#run.child.stdin.on("error", () => undefined);
    this.ended = this.#read(onLine);
  }

  /** Its end, once it has ended. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Waits for a line that is printed from now on. @throws when the script ends before. */
  until(pattern: RegExp): Promise<void> {
    const printed = new Promise<void>((resolve, reject) => {
      if (this.#failure === undefined) this.#waiting.add({ pattern, resolve, reject });
      else reject(this.#failure);
    });
    // Who waits hears of it; nobody else has to.
    printed.catch(() => undefined);
    return printed;
  }

  tell(line: string): void {
    this.#run.child.stdin.write(`${line}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#run.child.kill(signal);
  }

  kill(reason: string): void {
    this.#killedFor ??= reason;
    this.signal("SIGKILL");
  }

  /** Waits until it ends by itself, having closed its standard input. @throws when it does not end well. */
  async end(): Promise<void> {
    this.#run.child.stdin.end();
    await this.ended;
    if ((await this.#run.ended).exit !== 0) throw this.#failure;
  }

  async #read(onLine: (line: string) => void): Promise<void> {
    for await (const line of this.#run.lines) {
      onLine(line);
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
}
