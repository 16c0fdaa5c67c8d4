import type { Place, Store } from "../../src/comparison/store.ts";

/** Does what its place says: hangs, dies, refuses, forgets, or keeps turns in memory as it should. */
export async function openStore({ url }: Place): Promise<Store> {
  let turns = 0;
  return {
    openSession: async () => ({
      saveTurn: async () => {
        if (url === "hang") await new Promise<never>(() => {});
        if (url === "die") process.exit(7);
        if (url === "refuse") throw new Error("the table is missing\nand more");
        turns += 1;
      },
      fill: async (messages) => void (turns += messages / 2),
      load: async () => (url === "forget" ? 0 : turns * 2),
      loadLast: async (messages) => Math.min(messages, turns * 2),
    }),
    close: async () => {},
  };
}
