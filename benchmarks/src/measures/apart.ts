import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Measure } from "../measure.ts";

const PROCESS = join(import.meta.dirname, "measure-process.ts");

/** @throws when the process of the measure ends without a result. */
export async function measureApart(name: string): Promise<readonly Measure[]> {
  const child = fork(PROCESS, [name], { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [result] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code, signal]) => {
      throw new Error(`the process of ${name} ended with ${signal ?? code}`);
    }),
  ]);
  return result as readonly Measure[];
}
