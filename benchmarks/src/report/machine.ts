import { cpus, release, totalmem, type as systemType } from "node:os";

/** What ran it, by kind and not by name. */
export function machineText(): string {
  const [cpu] = cpus();
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${gibibytes} GiB, ${systemType()} ${release().split("-")[0]}`;
}
