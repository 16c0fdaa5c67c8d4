import { spawn } from "node:child_process";
import { once } from "node:events";

/** The result of a command. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** A command without an end of its own, such as a build that hangs, is stopped after so long. */
const LONGEST_MS = 300_000;

/** Runs a command to its end, whatever that is. */
export async function run(
  command: string,
  args: readonly string[],
  folder: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...withoutWorkspace(process.env), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST_MS,
    killSignal: "SIGKILL",
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [exitCode, signal]: [number | null, NodeJS.Signals | null] = await closed(child);
  return { exitCode, signal, output, errors };
}

/** {@link run}, for a command that must succeed. @throws with what the command printed. */
export async function runWell(
  command: string,
  args: readonly string[],
  folder: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { exitCode, output, errors } = await run(command, args, folder, environment);
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${exitCode}:\n${output}\n${errors}`);
  return output;
}

async function closed(child: ReturnType<typeof spawn>): Promise<[number | null, NodeJS.Signals | null]> {
  const [exitCode, signal]: unknown[] = await once(child, "close");
  return [typeof exitCode === "number" ? exitCode : null, isSignal(signal) ? signal : null];
}

function isSignal(value: unknown): value is NodeJS.Signals {
  return typeof value === "string";
}

/** A user's shell has none of the settings that pnpm and the workspace's own Node.js leave in the environment. */
function withoutWorkspace(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(npm_|pnpm_|NODE_OPTIONS$|NODE_PATH$|INIT_CWD$|VITEST)/i.test(name),
    ),
  );
}
