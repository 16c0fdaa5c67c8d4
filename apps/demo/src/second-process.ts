import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

interface SecondProcess {
  readonly kill: () => void;
  readonly closed: Promise<unknown[]>;
}

let running: SecondProcess | undefined;

/** Runs another command of this app in a separate process. @returns its exit code; 1 when a signal ended it. */
export async function runSecondProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const main = join(import.meta.dirname, "main.ts");
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  running = { kill: () => child.kill(), closed: once(child, "close") };
  const [exitCode] = await running.closed;
  return typeof exitCode === "number" ? exitCode : 1;
}

/** Ends the second process, if it runs, and waits for its end, so that its files may be removed. */
export async function endSecondProcess(): Promise<void> {
  running?.kill();
  await running?.closed;
}
