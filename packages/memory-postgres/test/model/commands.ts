/** The events that may happen to three stores, as commands of fast-check. */
import fc from "fast-check";
import { STORES, WRITERS, type Cluster, type DrainerPlan } from "./cluster.ts";
import { STEPS } from "./faults.ts";
import type { Key } from "./history.ts";
import { assertInvariants } from "./invariants.ts";

type Command = fc.AsyncCommand<object, Cluster>;

const SESSIONS = ["a", "b", "c", "d"];
const MAX_SKEW_MS = 5 * 60_000;

class Step implements Command {
  readonly #title: string;
  readonly #run: (cluster: Cluster) => Promise<void> | void;

  constructor(title: string, run: (cluster: Cluster) => Promise<void> | void) {
    this.#title = title;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, cluster: Cluster): Promise<void> {
    await this.#run(cluster);
    await assertInvariants(cluster);
  }

  toString(): string {
    return this.#title;
  }
}

/** A command of each value: its title is the call. */
function step<Value>(
  name: string,
  values: fc.Arbitrary<Value>,
  run: (cluster: Cluster, value: Value) => Promise<void> | void,
): fc.Arbitrary<Command> {
  return values.map((value) => new Step(`${name}(${fc.stringify(value)})`, (cluster) => run(cluster, value)));
}

const at = fc.nat(STORES.length - 1);
const sessionId = fc.constantFrom(...SESSIONS);
const writer = fc.nat(WRITERS - 1);
const atoms = fc.integer({ min: 1, max: 3 });
const number = fc.nat(1_000);
const plan: fc.Arbitrary<DrainerPlan> = fc.record({
  turns: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
  fault: fc.option(fc.record({ step: fc.constantFrom(...STEPS), after: fc.nat(3) }), { nil: undefined }),
  patienceTurns: fc.option(fc.integer({ min: 10, max: 60 }), { nil: undefined, freq: 4 }),
});

/** One of the atoms that were accepted. */
function pick({ history }: Cluster, which: number): Key | undefined {
  const keys = [...history.atoms.values()];
  return keys[which % keys.length];
}

const save = step("save", fc.record({ writer, sessionId, atoms, at }), (cluster, turn) =>
  cluster.save(turn.writer, turn.sessionId, turn.atoms, turn.at, undefined),
);

export const COMMANDS: fc.Arbitrary<Command>[] = [
  save,
  save,
  step("save and repeat", fc.record({ writer, sessionId, atoms, at, repeatAt: at }), (cluster, turn) =>
    cluster.save(turn.writer, turn.sessionId, turn.atoms, turn.at, turn.repeatAt),
  ),
  step("use an id again", fc.record({ which: number, at }), async (cluster, misuse) => {
    const key = pick(cluster, misuse.which);
    if (key !== undefined && !cluster.history.isDeleted(key)) await cluster.misuse(key, misuse.at);
  }),
  step("delete an atom", fc.record({ which: number, at }), (cluster, deletion) => deleteOne(cluster, deletion)),
  step("delete a session", fc.record({ sessionId, at }), (cluster, deletion) =>
    cluster.deleteSession(deletion.sessionId, deletion.at),
  ),
  step("cut", fc.record({ at, isNoticed: fc.boolean() }), (cluster, cut) => cluster.cut(cut.at, cut.isNoticed)),
  step("reconnect", at, (cluster, store) => cluster.reconnect(store)),
  step("drain", fc.record({ at, plan }), (cluster, drain) =>
    cluster.drain(drain.at, [drain.plan], async () => undefined),
  ),
  step("drain twice at once", fc.record({ at, plans: fc.tuple(plan, plan) }), (cluster, drain) =>
    cluster.drain(drain.at, drain.plans, async () => undefined),
  ),
  step("drain while something is deleted", fc.record({ at, plan, which: number, deleteAt: at }), (cluster, drain) =>
    cluster.drain(drain.at, [drain.plan], () => deleteOne(cluster, { which: drain.which, at: drain.deleteAt })),
  ),
  step("drain while something is saved", fc.record({ at, plan, sessionId, saveAt: at }), (cluster, drain) =>
    cluster.drain(drain.at, [drain.plan], () => cluster.save(0, drain.sessionId, 1, drain.saveAt, undefined)),
  ),
  step("drop hints", fc.record({ at, target: fc.constantFrom("*", ...STORES), keep: fc.nat(3) }), (cluster, drop) =>
    cluster.drop(drop.at, drop.target, drop.keep),
  ),
  step("back up", at, (cluster, store) => cluster.backUp(store)),
  step("restore", at, (cluster, store) => cluster.restore(store)),
  step("repair", fc.shuffledSubarray([...STORES.keys()], { minLength: 2 }), (cluster, stores) =>
    cluster.repair(stores),
  ),
  step("skew", fc.record({ writer, offsetMs: fc.integer({ min: -MAX_SKEW_MS, max: MAX_SKEW_MS }) }), (cluster, skew) =>
    cluster.skew(skew.writer, skew.offsetMs),
  ),
];

async function deleteOne(
  cluster: Cluster,
  { which, at }: { readonly which: number; readonly at: number },
): Promise<void> {
  const key = pick(cluster, which);
  if (key !== undefined) await cluster.deleteAtom(key, at);
}
