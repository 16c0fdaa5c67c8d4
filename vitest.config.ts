import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@rivet/source"] },
  ssr: { resolve: { conditions: ["@rivet/source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", "./test/count-reporter.ts"],
  },
});
