import { debianProgram, type Program } from "../process/debian-program.ts";

export function pgBouncerProgram(): Promise<Program> {
  return debianProgram({ name: "pgbouncer", command: "pgbouncer", file: "usr/sbin/pgbouncer" });
}
