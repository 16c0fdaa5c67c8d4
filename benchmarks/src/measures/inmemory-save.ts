import { Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { medianTimes, type Measure } from "../measure.ts";
import { addTurn, saveTurn, USER } from "../workload.ts";

export async function saveInMemory(): Promise<Measure> {
  await using storage = await new InMemoryStorage().open();
  const session = new Session({ userId: USER, storage });
  addTurn(session);
  await session.save();
  const turn = session.history.messages();
  const times = await medianTimes({
    ours: () => saveTurn(session),
    reference: () => turn.map((message) => structuredClone(message)),
    rounds: 300,
    perRound: 100,
  });
  return {
    name: "In memory: save one turn",
    unit: "µs",
    ours: times.ours * 1_000,
    reference: times.reference * 1_000,
    ratio: times.ratio,
    bar: { kind: "at most", value: 4 },
    against: "structuredClone of the same two messages",
  };
}
