import { availableParallelism } from "node:os";
import { join } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";
import { folderInMemory } from "./test/folder-in-memory.ts";

// Tests start hundreds of processes: each takes 0.2 s to load what another one has compiled, and 0.6 s without.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "compiled");

// A server's data directory is a thousand files: a disk can take a second to create them, memory takes 50 ms.
const inMemory = folderInMemory();
if (inMemory !== undefined) process.env["RIVET_SERVER_DATA"] ??= inMemory;

/** It first builds and packs what would be published: `pnpm test:packed` runs it. */
const PACKED = "test/packed-install.test.ts";
const isPacked = process.env["RIVET_PACKED_TESTS"] !== undefined;

export default defineConfig({
  resolve: { conditions: ["@rivet/source"] },
  ssr: { resolve: { conditions: ["@rivet/source"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "benchmarks/test/**/*.test.ts",
      "test-matrix/test/**/*.test.ts",
      "test/**/*.test.ts",
    ],
    exclude: [...configDefaults.exclude, ...(isPacked ? [] : [PACKED])],
    // Most tests wait for a server, a disk or a browser: with as many workers as there are cores, a core would idle.
    maxWorkers: availableParallelism() * 2,
    // A worker loads the sources once for all of its files, where it would take half a second for each of 150.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: "./test/compile-once.ts",
    // Ends a test that never would: one that works takes seconds, and on a machine that others keep busy ten times as long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A condition that never comes ends by it, too: none is expected within a time.
    expect: { poll: { timeout: 120_000 } },
    reporters: ["default", "./test/count-reporter.ts"],
  },
});
