import { cpus, release, totalmem, type as systemType } from "node:os";

/** The machine of the run, described without its name. */
export function machineText(): string {
  const [cpu] = cpus();
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${gibibytes} GiB, ${systemType()} ${release().split("-")[0]}`;
}
