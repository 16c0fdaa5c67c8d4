import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@rivet/source"] },
  ssr: { resolve: { conditions: ["@rivet/source"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "benchmarks/test/**/*.test.ts",
      "test/**/*.test.ts",
    ],
    // Most tests wait for a server or a disk: with one worker fewer than there are cores, a core would idle.
    maxWorkers: "100%",
    // For servers that share the cores with other tests.
    testTimeout: 30_000,
    reporters: ["default", "./test/count-reporter.ts"],
  },
});
