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
  /** The test runner's: `node:test`, Vitest, Jest, Mocha, or anything of their form. */
  describe: (title: string, define: () => void) => unknown;
  it: (title: string, test: () => Promise<void>) => unknown;
  /** The name of the backend, for the titles. */
  name: string;
  /** A new storage that is empty; it may be open or not. The options must reach `MemoryStorage`'s constructor. */
  create: (options?: StorageOptions) => AnyStorage | Promise<AnyStorage>;
  /** Another storage on the data of one, as a second process would have it. */
  connect?: (storage: AnyStorage) => AnyStorage | Promise<AnyStorage>;
  /** Closes a storage and gives a new one on the same data. */
  reopen?: (storage: AnyStorage) => AnyStorage | Promise<AnyStorage>;
  /**
   * Overwrites the stored content of a message with text that no message has, behind the storage's back: no JSON at all,
   * where the store can hold it. Gives the text, as the store will give it back.
   */
  damage?: (storage: AnyStorage, sessionId: string, atomId: string) => string | Promise<string>;
  /** Removes what a storage left behind, once it is closed: files, schemas. Called once for each that `create` gave. */
  destroy?: (storage: AnyStorage) => unknown;
  /** Why the backend cannot do a thing: a reason for each capability that it lacks. It is printed with what is skipped. */
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
 * Declares the contract of `MemoryStorage` as tests of a backend: one `describe` a concern, one `it` a case. Assertions
 * are those of `node:assert`. Each case has storages of its own, so that cases may run side by side.
 *
 * @throws {MemoryError} `invalid_input` for an option that is none.
 * @throws {TypeError} when the backend gives neither a hook (`connect`, `reopen`, `damage`) nor a reason for its absence.
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
      // Some runners take a suite without tests for a fault.
      if (runnable.length === 0) continue;
      describe(title, () => {
        for (const each of runnable) it(each.title, () => runCase(options, each));
      });
    }
  });
}

/** Why a case cannot run, or undefined when it can. */
function missing(options: ConformanceOptions, { needs }: Case): string | undefined {
  if (needs === undefined || options[needs] !== undefined) return undefined;
  const reason = options.capabilities?.[needs]?.missing;
  if (reason !== undefined) return reason;
  throw new TypeError(`testMemoryStorage: give ${needs}, or capabilities.${needs}.missing: why the backend has none`);
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
