import { debianProgram, type Program } from "./debian-program.ts";

/** Chromium, for tests in a real browser. As root it needs `--no-sandbox`. */
export function chromiumProgram(): Promise<Program> {
  return debianProgram({ name: "chromium", command: "chromium", file: "usr/lib/chromium/chromium" });
}
