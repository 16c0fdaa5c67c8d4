#!/usr/bin/env node
/** Says in a sentence which Node.js it needs, before it loads what an older one cannot run. */
try {
  const { assertSQLiteRuns } = await import("@rivet/memory-sqlite");
  assertSQLiteRuns();
} catch (error) {
  process.stderr.write(`rivet-memory: ${error instanceof Error ? error.message : String(error)}\n`);
  // As `EXIT.failed`, whose module is not loaded yet.
  process.exit(70);
}
await import("./run.ts");
