import { spawn } from "node:child_process";
import { once } from "node:events";

interface Finished {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command to its end. */
async function run(
  command: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<Finished> {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [exitCode]: unknown[] = await once(child, "close");
  return { exitCode: typeof exitCode === "number" ? exitCode : null, output, errors };
}

/** {@link run}, for a command that must succeed; gives its standard output. */
export async function runWell(
  command: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { exitCode, output, errors } = await run(command, args, folder, environment);
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${exitCode}:\n${output}\n${errors}`);
  return output;
}
