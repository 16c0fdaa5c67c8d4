import type { AtomTypes, MemoryStorage, MemoryStorageOptions } from "@rivet/memory-core";

/** The options that every backend's storage takes; a backend hands them on to `MemoryStorage`. */
export type StorageOptions = MemoryStorageOptions<AtomTypes>;
export type AnyStorage = MemoryStorage<AtomTypes>;

/** What a case may do with the backend under test. Everything that it opens is destroyed at its end. */
export interface Backend {
  /** A new storage, empty and open. */
  open(options?: StorageOptions): Promise<AnyStorage>;
  /** Another storage on the same data, as a second process would have it. */
  connect(storage: AnyStorage): Promise<AnyStorage>;
  /** Closes the storage and opens its data again. */
  reopen(storage: AnyStorage): Promise<AnyStorage>;
  /** Overwrites the stored content of a message with text that no message has, behind the storage's back. Gives the text. */
  damage(storage: AnyStorage, sessionId: string, atomId: string): Promise<string>;
}

/** What a backend may lack. */
export type Capability = "connect" | "reopen" | "damage";

export interface Case {
  /** A fact, in the present tense. */
  readonly title: string;
  readonly needs?: Capability;
  readonly run: (backend: Backend) => Promise<void>;
}

/** The cases of one matter. */
export interface Concern {
  readonly title: string;
  readonly cases: readonly Case[];
}
