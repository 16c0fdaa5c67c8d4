export { InMemoryStorage } from "./inmemory-storage.ts";
export type { InMemoryStorageOptions } from "./options.ts";
