/** The parts that the model is about, as they are; a mutant puts a broken one in the place of one of them. */
import type { NewMemoryAtom, Replica } from "@rivet/memory-core";
import type { DrainTarget } from "../../src/replication/delivery/drain.ts";
import type { HintStore } from "../../src/replication/delivery/hints.ts";
import { repair } from "../../src/replication/repair.ts";
import type { HintingStorage, ModelPage } from "./hinting-storage.ts";

export type Turn = readonly NewMemoryAtom[];

export interface Machinery {
  /** Commits a turn with its hints. @param interrupt throws where the writer is to be interrupted. */
  readonly save: (store: HintingStorage, turn: Turn, interrupt: () => void) => Promise<void>;
  /** The turn to save when the reply to it was lost. */
  readonly repeated: (turn: Turn, mint: () => string) => Turn;
  readonly deleteAtoms: (store: HintingStorage, sessionId: string, ids: readonly string[]) => Promise<unknown>;
  readonly deleteSession: (store: HintingStorage, sessionId: string) => Promise<unknown>;
  readonly hintsOf: (store: HintingStorage) => HintStore<ModelPage>;
  readonly targetOf: (store: HintingStorage) => Pick<DrainTarget, "merge" | "take">;
  readonly makeEqual: (replicas: readonly Replica[]) => Promise<void>;
}

export const SOUND: Machinery = {
  async save(store, turn, interrupt) {
    await store.saveMemoryAtoms(turn);
    interrupt();
  },
  repeated: (turn) => turn,
  deleteAtoms: (store, sessionId, ids) => store.deleteMemoryAtoms(sessionId, ids),
  deleteSession: (store, sessionId) => store.deleteSession(sessionId),
  hintsOf: (store) => store,
  targetOf: (store) => ({
    merge: (facts) => store.replica.merge(facts),
    take: (packed) => store.takePacked(packed),
  }),
  async makeEqual(replicas) {
    await repair(replicas, {}, async (name, { error }) => {
      throw new Error(`${name} refuses what a repair brings it`, { cause: error });
    });
  },
};
