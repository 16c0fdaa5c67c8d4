/** Broken parts, each of which the model has to notice. */
import {
  MemoryError,
  NIL_ID,
  reconcile,
  xorIds,
  type Facts,
  type Replica,
  type SessionDigest,
} from "@rivet/memory-core";
import type { HintKey } from "../../src/replication/delivery/hints.ts";
import type { HintingStorage } from "./hinting-storage.ts";
import { SOUND, type Machinery } from "./machinery.ts";

export const MUTANTS: Readonly<Record<string, Partial<Machinery>>> = {
  "leaves the hints in a second step, after the write": {
    async save(store, turn, interrupt) {
      await withoutHints(store, () => store.saveMemoryAtoms(turn));
      interrupt();
      store.hint(turn.map(({ sessionId, id = "" }) => ({ sessionId, id, isTombstone: false })));
    },
  },
  "deletes hints before what they name is acknowledged": {
    hintsOf: (store) => ({
      ...boundHints(store),
      async page(target, after, limit) {
        const page = await store.page(target, after, limit);
        await store.settle(target, page, []);
        return page;
      },
    }),
  },
  "settles a page although one of the targets has failed": {
    hintsOf: (store) => ({ ...boundHints(store), settle: (target, page) => store.settle(target, page, []) }),
  },
  "repeats a save with fresh ids": {
    repeated: (turn, mint) => turn.map((atom) => ({ ...atom, id: mint() })),
  },
  "leaves no hint of the deletion of an atom": {
    deleteAtoms: (store, sessionId, ids) => withoutHints(store, () => store.deleteMemoryAtoms(sessionId, ids)),
  },
  "leaves no hint of the deletion of a session": {
    deleteSession: (store, sessionId) => withoutHints(store, () => store.deleteSession(sessionId)),
  },
  "lets an atom win over its tombstone": {
    targetOf: (store) => ({
      ...SOUND.targetOf(store),
      merge: async (facts) => store.replica.merge(await withoutDeletions(store, facts)),
    }),
  },
  "skips a page after a failure, also the next time": {
    hintsOf: hintsThatMoveOn,
  },
  "lets an atom that is refused stand in the way of the rest": {
    targetOf: (store) => ({
      merge: (facts) =>
        store.replica.merge(facts).catch((cause: unknown) => {
          throw new MemoryError({ code: "unavailable", message: "the page was not taken", cause });
        }),
    }),
  },
  "repairs in one direction only": {
    async makeEqual([base, ...others]) {
      const options = { isBothWays: false, onRefused: () => undefined };
      for (const other of others) if (base !== undefined) await reconcile(base, other, options);
    },
  },
  "compares the XOR of ids without their number": {
    async makeEqual(replicas) {
      for (const one of replicas) {
        for (const other of replicas) {
          const pair = [besidesEqualXors(one, other), besidesEqualXors(other, one)];
          if (one !== other) await SOUND.makeEqual(pair);
        }
      }
    },
  },
};

async function withoutHints<Result>(store: HintingStorage, work: () => Promise<Result>): Promise<Result> {
  store.isHinting = false;
  try {
    return await work();
  } finally {
    store.isHinting = true;
  }
}

/** The methods of a store, to replace one of them. */
function boundHints(store: HintingStorage): ReturnType<Machinery["hintsOf"]> {
  return {
    name: store.name,
    page: (target, after, limit) => store.page(target, after, limit),
    settle: (target, page, others) => store.settle(target, page, others),
    release: () => store.release(),
    keepDeadLetters: (target, refused) => store.keepDeadLetters(target, refused),
  };
}

/** The position of each store in its hints of a target, since the last settled page. */
const positions = new WeakMap<HintingStorage, Map<string, HintKey>>();

function hintsThatMoveOn(store: HintingStorage): ReturnType<Machinery["hintsOf"]> {
  const reached = positions.get(store) ?? new Map<string, HintKey>();
  positions.set(store, reached);
  return {
    ...boundHints(store),
    async page(target, after, limit) {
      const page = await store.page(target, after ?? reached.get(target), limit);
      if (page.count > 0) reached.set(target, page.last);
      return page;
    },
    async settle(target, page, others) {
      await store.settle(target, page, others);
      reached.delete(target);
    },
  };
}

/** Facts without the tombstones of what a store holds. */
async function withoutDeletions(store: HintingStorage, { rows, tombstones }: Facts): Promise<Facts> {
  const { rows: stored } = await store.contents();
  const isHeld = ({ sessionId, id }: Facts["tombstones"][number]): boolean =>
    stored.some((row) => row.sessionId === sessionId && (row.id === id || id === NIL_ID));
  return { rows, tombstones: tombstones.filter((tombstone) => !isHeld(tombstone)) };
}

/** A replica without the sessions of which another has the same XORs: the rest is compared one by one. */
function besidesEqualXors(replica: Replica, other: Replica): Replica {
  return {
    name: replica.name,
    rangesAfter: async () => [],
    digestsOf: (ranges) => replica.digestsOf(ranges),
    async sessions(range, limit) {
      const others = new Map((await other.sessions(range, limit)).map((session) => [session.sessionId, session]));
      const differing: SessionDigest[] = [];
      for (const session of await replica.sessions(range, limit)) {
        const { sessionId, idXor } = session;
        const isSame =
          idXor === (others.get(sessionId)?.idXor ?? NIL_ID) &&
          (await buriedXor(replica, sessionId)) === (await buriedXor(other, sessionId));
        if (!isSame) differing.push(session);
      }
      return differing;
    },
    atomIds: (...selection) => replica.atomIds(...selection),
    atoms: (...selection) => replica.atoms(...selection),
    atomsAfter: (...selection) => replica.atomsAfter(...selection),
    tombstonesAfter: (...selection) => replica.tombstonesAfter(...selection),
    merge: (facts) => replica.merge(facts),
  };
}

/** Of the ids that tombstones name: the nil id of a whole session leaves no trace in it. */
async function buriedXor(replica: Replica, sessionId: string): Promise<string> {
  const tombstones = await replica.tombstonesAfter(sessionId, undefined, MAX_TOMBSTONES);
  return xorIds([NIL_ID, ...tombstones.map(({ id }) => id)]);
}

/** More than a run of the model leaves in one session. */
const MAX_TOMBSTONES = 1_000;
