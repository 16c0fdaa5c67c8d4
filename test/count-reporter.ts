import type { Reporter, TestModule } from "vitest/node";

/** Prints the counts of the run as its last line. A file that could not run counts as a failure. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const failedBefore = counts.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed" || state === "failed" || state === "skipped") counts[state] += 1;
      }
      // A hook, an import or an empty suite: the file failed, and none of its tests says so.
      if (module.state() === "failed" && counts.failed === failedBefore) counts.failed += 1;
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    // The default reporter prints its summary in the same event; this line comes after it.
    process.once("exit", () => console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`));
  }
}
