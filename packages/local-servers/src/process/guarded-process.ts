import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { SERVER_USER } from "../postgres/server-user.ts";

/**
 * Ties a server's life to that of this process. However this process ends, the pipe to the guard's standard input
 * closes. The guard then ends the server and removes its folder, unless it has received `keep`.
 */
const GUARD = `
folder=$1; shift
"$@" &
server=$!
read -r word
kill -INT "$server" 2>/dev/null
wait "$server"
[ "$word" = keep ] || rm -rf "$folder"`;

const LOG_UNITS = 20_000;
const START_LIMIT_MS = 45_000;
/** Matches the log of a server that gives up. A recovering server logs FATAL for each early client, and goes on. */
const GIVES_UP = /FATAL:(?! *the database system is )|error while loading/;

export interface GuardedCommand {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The working folder, which is removed together with the server. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The text on standard error that shows that the server is ready. */
  readonly ready: string;
  /** A text that the log must not contain. */
  readonly secret: string;
}

/** A server as a child process, run by a user who is not root. */
export class GuardedProcess {
  readonly #guard: ChildProcess;
  readonly #secret: string;
  #log = "";

  private constructor({ command, folder, environment, secret }: GuardedCommand) {
    this.#secret = secret;
    this.#guard = spawn("sh", ["-c", GUARD, "sh", folder, ...command], {
      ...SERVER_USER,
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "ignore", "pipe"],
      // The guard has its own process group, so that Ctrl-C ends this process first and the guard can then clean up.
      detached: true,
    });
  }

  /** @throws if the server ends before it is ready, or takes far too long. The message contains its log. */
  static async start(options: GuardedCommand): Promise<GuardedProcess> {
    const started = new GuardedProcess(options);
    await started.#untilReady(options);
    return started;
  }

  /** The end of the log. */
  get log(): string {
    return this.#log.replaceAll(this.#secret, "•••");
  }

  /** Ends the server, and waits until all its processes are gone; they share its standard error. */
  async end(folder: "keep" | "remove"): Promise<void> {
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return;
    const closed = once(this.#guard, "close");
    this.#guard.stdin?.end(folder === "keep" ? "keep\n" : "");
    await closed;
  }

  async #untilReady({ command, folder, ready }: GuardedCommand): Promise<void> {
    const failed = (): Error => new Error(`${command[0]} did not start in ${folder}:\n${this.log}`);
    let timer: NodeJS.Timeout | undefined;
    const started = new Promise<void>((resolve, reject) => {
      let isReady = false;
      timer = setTimeout(() => {
        this.#guard.stdin?.end("keep\n");
        reject(failed());
      }, START_LIMIT_MS);
      this.#guard.stderr?.on("data", (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_UNITS);
        if (isReady) return;
        isReady = this.#log.includes(ready);
        if (isReady) resolve();
        else if (GIVES_UP.test(this.#log)) this.#guard.stdin?.end("keep\n");
      });
      this.#guard.once("error", reject);
      this.#guard.once("close", () => reject(failed()));
    });
    return started.finally(() => clearTimeout(timer));
  }
}
