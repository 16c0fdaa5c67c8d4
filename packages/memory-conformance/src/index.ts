export type { AnyStorage, Capability, StorageOptions } from "./suite.ts";
export { testMemoryStorage, type ConformanceOptions } from "./test-memory-storage.ts";
