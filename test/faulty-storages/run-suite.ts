import { testMemoryStorage, type AnyStorage, type StorageOptions } from "@rivet/memory-conformance";

export type StorageClass = new (options?: StorageOptions) => AnyStorage;

/**
 * The smallest test runner: runs the conformance suite on a storage class and gives the titles of what fails, as it
 * fails.
 */
export async function* failuresOf(Storage: StorageClass): AsyncGenerator<string> {
  const cases: { title: string; test: () => Promise<void> }[] = [];
  const titles: string[] = [];
  const missing = "not asked of these storages";
  testMemoryStorage({
    describe: (title, define) => {
      titles.push(title);
      define();
      titles.pop();
    },
    it: (title, test) => cases.push({ title: [...titles.slice(1), title].join(" "), test }),
    name: Storage.name,
    create: (options) => new Storage(options),
    capabilities: { connect: { missing }, reopen: { missing }, damage: { missing } },
  });
  for (const { title, test } of cases) {
    const isWell = await test().then(
      () => true,
      () => false,
    );
    if (!isWell) yield title;
  }
}
