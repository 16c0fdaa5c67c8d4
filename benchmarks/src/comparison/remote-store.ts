import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Command, Place } from "./store.ts";

/** A store that hung, crashed or refused, and what it was asked. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
}

/** A store has no such operation. */
export class NotOffered extends Error {
  override readonly name = "NotOffered";
}

const PROCESS = join(import.meta.dirname, "store-process.ts");

/** The process of one store, as the benchmark sees it: it may hang or die, and takes nobody along. */
export class RemoteStore implements AsyncDisposable {
  readonly #child: ChildProcess;
  #errors = "";

  private constructor(modulePath: string) {
    this.#child = fork(PROCESS, [modulePath], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => (this.#errors = (this.#errors + text).slice(-2_000)));
  }

  /** Starts a process, which opens the store. */
  static async start(modulePath: string, place: Place, limitMs: number): Promise<RemoteStore> {
    const remote = new RemoteStore(modulePath);
    try {
      await once(remote.#child, "message");
      await remote.ask({ name: "open", place }, limitMs);
      return remote;
    } catch (error) {
      await remote[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * @returns how long each operation took, in milliseconds.
   * @throws {StoreFailure} when it failed, the process died, or nothing came within the limit.
   * @throws {NotOffered} when the store has no such operation.
   */
  async ask(command: Command, limitMs: number): Promise<readonly number[]> {
    const abandoned = new AbortController();
    const { signal } = abandoned;
    try {
      this.#child.send(command);
      const answer = await Promise.race([
        once(this.#child, "message", { signal }).then(([message]): Answer => message),
        once(this.#child, "exit", { signal }).then(([code, killer]) => {
          throw new StoreFailure(
            `its process ended (${killer ?? code}) at "${command.name}": ${lastLine(this.#errors)}`,
          );
        }),
        delay(limitMs, undefined, { signal }).then(() => {
          throw new StoreFailure(`gave up on "${command.name}" after ${Number((limitMs / 1_000).toPrecision(2))} s`);
        }),
      ]);
      if (answer.kind === "none") throw new NotOffered(answer.reason);
      if (answer.kind === "failure") throw new StoreFailure(`"${command.name}" failed: ${firstLine(answer.message)}`);
      return answer.timesMs;
    } finally {
      abandoned.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split("\n")
      .findLast((line) => /error/i.test(line)) ?? text.trim().slice(-200)
  );
}
