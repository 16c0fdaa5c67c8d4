import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The longest files, by the time they take. */
const LONGEST = [
  "apps/demo/test/demo.test.ts",
  "packages/memory-postgres/test/conformance.test.ts",
  "packages/memory-supabase/test/conformance.test.ts",
  "packages/memory-console/test/page.test.ts",
  "packages/memory-postgres/test/replication.test.ts",
  "packages/memory-cli/test/archive-bounds.test.ts",
  "packages/memory-postgres/test/failover.test.ts",
  "packages/memory-console/test/views.test.ts",
  "packages/memory-sqlite/test/erasure.test.ts",
  "test/conformance-catches-faults.test.ts",
  "packages/memory-postgres/test/model.test.ts",
  "packages/memory-postgres/test/crash-points.test.ts",
  "packages/db-manager/test/failover.test.ts",
  "packages/local-servers/test/servers.test.ts",
  "packages/memory-sqlite/test/crash.test.ts",
  "packages/memory-postgres/test/crash.test.ts",
];

/** Long files begin first, so that in the end no worker is left alone with one: a fresh clone knows no times yet. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((left, right) => rank(left) - rank(right));
  }
}
