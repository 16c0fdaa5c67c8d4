import { InMemoryStorage } from "@rivet/memory-inmemory";
import { afterAll, describe, expect, it, vi } from "vitest";
import { FAULTY_STORAGES } from "./faulty-storages/faults.ts";
import { failuresOf } from "./faulty-storages/run-suite.ts";

// The suite tells each time what it skips and why; once is enough, in the in-memory backend's own test.
const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
afterAll(() => log.mockRestore());

describe("the conformance suite", () => {
  it("finds nothing wrong with a storage that is right", { timeout: 60_000 }, async () => {
    expect(await failuresOf(InMemoryStorage).next()).toEqual({ done: true, value: undefined });
  });

  it.each(FAULTY_STORAGES.map((Storage) => ({ name: Storage.name, Storage })))(
    "catches the fault of $name",
    { timeout: 60_000 },
    async ({ Storage }) => {
      // One failure is enough.
      expect(await failuresOf(Storage).next()).toMatchObject({ done: false });
    },
  );
});
