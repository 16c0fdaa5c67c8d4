#!/usr/bin/env node
/** Says in a sentence which Node.js it needs, before it loads what an older one cannot run. */
try {
  await import("@rivet/memory-core");
} catch (error) {
  process.stderr.write(`rivet-memory-console: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
await import("./run.ts");
