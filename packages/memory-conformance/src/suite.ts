import type { AtomTypes, MemoryStorage, MemoryStorageOptions } from "@rivet/memory-core";

/** The options that every backend's storage accepts and passes to `MemoryStorage`. */
export type StorageOptions = MemoryStorageOptions<AtomTypes>;
export type AnyStorage = MemoryStorage<AtomTypes>;

/** The operations of a case on the backend under test. All storages that it opens are destroyed at its end. */
export interface Backend {
  /** A new storage, empty and open. */
  open(options?: StorageOptions): Promise<AnyStorage>;
  /** Another storage on the same data, as a second process would have it. */
  connect(storage: AnyStorage): Promise<AnyStorage>;
  /** Closes the storage and opens its data again. */
  reopen(storage: AnyStorage): Promise<AnyStorage>;
  /** Overwrites the stored content of a message with invalid text, bypassing the storage. @returns the text. */
  damage(storage: AnyStorage, sessionId: string, atomId: string): Promise<string>;
}

/** An optional operation of a backend. */
export type Capability = "connect" | "reopen" | "damage";

export interface Case {
  /** A fact, in the present tense. */
  readonly title: string;
  readonly needs?: Capability;
  readonly run: (backend: Backend) => Promise<void>;
}

/** The cases of one topic. */
export interface Concern {
  readonly title: string;
  readonly cases: readonly Case[];
}
