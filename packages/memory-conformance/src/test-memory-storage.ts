import { readOptions, type OptionFields } from "@rivet/memory-core";
import { badInput } from "./saving/bad-input.ts";
import { clearing } from "./removing/clearing.ts";
import { concurrency } from "./saving/concurrency.ts";
import { context } from "./reading/context.ts";
import { damage } from "./reading/damage.ts";
import { deletion } from "./removing/deletion.ts";
import { expiry } from "./removing/expiry.ts";
import { forgedText } from "./reading/forged-text.ts";
import { ifUnchanged } from "./saving/if-unchanged.ts";
import { lifecycle } from "./lifecycle.ts";
import { metadata } from "./saving/metadata.ts";
import { options as optionCases } from "./options.ts";
import { ordering } from "./saving/ordering.ts";
import { ownership } from "./ownership.ts";
import { paging } from "./reading/paging.ts";
import { races } from "./saving/races.ts";
import { replication } from "./replication.ts";
import { retention } from "./removing/retention.ts";
import { saving } from "./saving/saving.ts";
import { sessionOwners } from "./session-owners.ts";
import { streaming } from "./reading/streaming.ts";
import type { AnyStorage, Backend, Capability, Case, Concern, StorageOptions } from "./suite.ts";
import { tombstoneOwners } from "./removing/tombstone-owners.ts";
import { typedAtoms } from "./saving/typed-atoms.ts";
import { values } from "./saving/values.ts";
import { wrongClocks } from "./wrong-clocks.ts";

const CONCERNS: readonly Concern[] = [
  saving,
  ordering,
  wrongClocks,
  paging,
  concurrency,
  ifUnchanged,
  races,
  metadata,
  ownership,
  sessionOwners,
  deletion,
  clearing,
  values,
  forgedText,
  typedAtoms,
  expiry,
  retention,
  damage,
  streaming,
  replication,
  tombstoneOwners,
  context,
  badInput,
  optionCases,
  lifecycle,
];

export interface ConformanceOptions {
  /** The functions of the test runner: `node:test`, Vitest, Jest, Mocha, or any with the same signatures. */
  describe: (title: string, define: () => void) => unknown;
  it: (title: string, test: () => Promise<void>) => unknown;
  /** The name of the backend, for the titles. */
  name: string;
  /**
   * Returns a new, empty storage; it may be open or not. The options must be passed to `MemoryStorage`'s constructor.
   */
  create: (options?: StorageOptions) => AnyStorage | Promise<AnyStorage>;
  /** Returns another storage on the data of a given one, as a second process would open it. */
  connect?: (storage: AnyStorage) => AnyStorage | Promise<AnyStorage>;
  /** Closes a storage and returns a new one on the same data. */
  reopen?: (storage: AnyStorage) => AnyStorage | Promise<AnyStorage>;
  /**
   * Overwrites the stored content of a message with text that no message has, bypassing the storage. The text is
   * invalid JSON if the store can hold that. Returns the text as the store will return it.
   */
  damage?: (storage: AnyStorage, sessionId: string, atomId: string) => string | Promise<string>;
  /** Removes the files, schemas or other remains of a closed storage. Called once for each storage from `create`. */
  destroy?: (storage: AnyStorage) => unknown;
  /** The reason for each capability that the backend lacks. It is printed with the skipped cases. */
  capabilities?: { readonly [Name in Capability]?: { readonly missing: string } };
}

const CONFORMANCE_FIELDS: OptionFields<ConformanceOptions> = {
  describe: "setting",
  it: "setting",
  name: "setting",
  create: "setting",
  connect: "setting",
  reopen: "setting",
  damage: "setting",
  destroy: "setting",
  capabilities: "setting",
};
const CAPABILITY_FIELDS: OptionFields<NonNullable<ConformanceOptions["capabilities"]>> = {
  connect: "setting",
  reopen: "setting",
  damage: "setting",
};

/**
 * Declares the contract of `MemoryStorage` as tests of a backend: one `describe` for each topic, one `it` for each
 * case. Assertions use `node:assert`. Each case has its own storages, so that cases may run in parallel.
 *
 * @throws {MemoryError} `invalid_input` for an unknown option.
 * @throws {TypeError} when the backend has neither a hook (`connect`, `reopen`, `damage`) nor a reason for its absence.
 * @example
 * import { describe, it } from "node:test";
 *
 * testMemoryStorage({ describe, it, name: "MyStorage", create: (options) => new MyStorage(options) });
 */
export function testMemoryStorage(options: ConformanceOptions): void {
  readOptions(options, CONFORMANCE_FIELDS, "options");
  readOptions(options.capabilities, CAPABILITY_FIELDS, "options.capabilities");
  const { describe, it, name } = options;
  describe(`${name} keeps the contract of MemoryStorage`, () => {
    for (const { title, cases } of CONCERNS) {
      const runnable = cases.filter((each) => {
        const reason = missing(options, each);
        if (reason !== undefined) console.log(`skipped: ${name}: ${title} ${each.title} (${reason})`);
        return reason === undefined;
      });
      // Some runners report a suite without tests as a failure.
      if (runnable.length === 0) continue;
      describe(title, () => {
        for (const each of runnable) it(each.title, () => runCase(options, each));
      });
    }
  });
}

/** The reason why a case cannot run, or undefined if it can. */
function missing(options: ConformanceOptions, { needs }: Case): string | undefined {
  if (needs === undefined || options[needs] !== undefined) return undefined;
  const reason = options.capabilities?.[needs]?.missing;
  if (reason !== undefined) return reason;
  throw new TypeError(
    `testMemoryStorage: pass ${needs}, or the reason why the backend has none as capabilities.${needs}.missing`,
  );
}

async function runCase(options: ConformanceOptions, { run }: Case): Promise<void> {
  const created: AnyStorage[] = [];
  const opened: AnyStorage[] = [];
  const opening = async (storage: AnyStorage | Promise<AnyStorage>): Promise<AnyStorage> => {
    const ready = await storage;
    opened.push(ready);
    return ready.open();
  };
  const backend: Backend = {
    open: async (storageOptions) => {
      const storage = await options.create(storageOptions);
      created.push(storage);
      return opening(storage);
    },
    connect: (storage) => opening(hook(options.connect)(storage)),
    reopen: (storage) => opening(hook(options.reopen)(storage)),
    damage: async (storage, sessionId, atomId) => hook(options.damage)(storage, sessionId, atomId),
  };
  try {
    await run(backend);
  } finally {
    await Promise.all(opened.map((storage) => storage.close()));
    for (const storage of created) await options.destroy?.(storage);
  }
}

function hook<Hook>(given: Hook | undefined): Hook {
  if (given === undefined) throw new TypeError("the case uses a hook that it did not declare in `needs`");
  return given;
}
