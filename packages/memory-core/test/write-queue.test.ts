import { MemoryError, WriteQueue, type AtomWrite, type WriteQueueInit } from "@rivet/memory-core";
import { describe, expect, it, onTestFinished, vi } from "vitest";

/** A write of one row to each of some sessions. */
function writeTo(...sessionIds: readonly string[]): AtomWrite {
  const row = { userId: "u", memoryType: "log", content: "1", metadata: "{}", createdAtMs: 0, expiresAtMs: null };
  return { rows: sessionIds.map((sessionId) => ({ ...row, sessionId, id: sessionId })) };
}

const nameOf = ({ rows }: AtomWrite): string => rows.map(({ sessionId }) => sessionId).join("+");

/** A request that has not been answered yet. */
interface Request {
  readonly names: readonly string[];
  readonly answer: () => Promise<void>;
  readonly fail: (error: unknown) => Promise<void>;
}

const REFUSED = new MemoryError({ code: "conflict", message: "one of them is bad" });

/** A queue whose store answers when the test says so. */
function queueOf(init: Partial<WriteQueueInit<string>> = {}): { queue: WriteQueue<string>; requests: Request[] } {
  const requests: Request[] = [];
  const ask = <Answer>(names: readonly string[], answer: Answer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      requests.push({
        names,
        answer: () => (resolve(answer), settled()),
        fail: (error) => (reject(error), settled()),
      });
    });
  const queue = new WriteQueue<string>({
    maxInFlight: 2,
    smallestShare: 2,
    limits: { rows: 10, units: 1_000 },
    isShareable: () => true,
    writeAlone: (write) => ask([nameOf(write)], `${nameOf(write)} alone`),
    writeTogether: (writes) =>
      ask(
        writes.map(nameOf),
        writes.map((write) => `${nameOf(write)} with others`),
      ),
    isCausedByWrite: (error) => error === REFUSED,
    ...init,
  });
  return { queue, requests };
}

/** When all that was said has had its consequences. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a write queue", () => {
  it("sends a lone write at once, alone", async () => {
    const { queue, requests } = queueOf();
    const written = queue.submit(writeTo("a"));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["a"]]);
    await requests[0]?.answer();
    expect(await written).toBe("a alone");
  });

  it("shares out what comes together among the groups that may go", async () => {
    const { queue, requests } = queueOf();
    const written = ["a", "b", "c", "d", "e"].map((name) => queue.submit(writeTo(name)));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
    for (const { answer } of requests) await answer();
    expect(await Promise.all(written)).toEqual(["a", "b", "c", "d", "e"].map((name) => `${name} with others`));
  });

  it("makes no groups that are smaller than they have to be", async () => {
    const { queue, requests } = queueOf();
    for (const name of ["a", "b"]) void queue.submit(writeTo(name));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["a", "b"]]);
  });

  it("keeps what comes while as many groups as may be are under way, and sends it together", async () => {
    const { queue, requests } = queueOf();
    for (const name of ["a", "b", "c", "d"]) {
      void queue.submit(writeTo(name));
      await settled();
    }
    expect(requests.map(({ names }) => names)).toEqual([["a"], ["b"]]);
    await requests[0]?.answer();
    expect(requests.map(({ names }) => names)).toEqual([["a"], ["b"], ["c", "d"]]);
  });

  it("sends writes of one session one after the other, in their order", async () => {
    const { queue, requests } = queueOf();
    for (const names of [["a"], ["a", "b"], ["b"], ["c"]]) void queue.submit(writeTo(...names));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["a", "c"]]);
    await requests[0]?.answer();
    expect(requests.slice(1).map(({ names }) => names)).toEqual([["a+b"]]);
    await requests[1]?.answer();
    expect(requests.slice(2).map(({ names }) => names)).toEqual([["b"]]);
  });

  it("sends no more rows together than there is room for", async () => {
    const { queue, requests } = queueOf({ limits: { rows: 2, units: 1_000 }, maxInFlight: 1 });
    for (const name of ["a", "b", "c"]) void queue.submit(writeTo(name));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["a", "b"]]);
  });

  it("sends at once, and alone, what is not to share", async () => {
    const { queue, requests } = queueOf({ isShareable: (write) => nameOf(write) !== "x", maxInFlight: 1 });
    for (const name of ["a", "x", "b"]) void queue.submit(writeTo(name));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["x"], ["a", "b"]]);
  });

  it("sends each alone when a group is refused for what may be one's fault, and says why", async () => {
    const refusals: unknown[] = [];
    const { queue } = queueOf({
      maxInFlight: 1,
      writeTogether: async () => Promise.reject(REFUSED),
      writeAlone: async (write, refusal) => {
        refusals.push(refusal);
        if (nameOf(write) === "b") throw REFUSED;
        return nameOf(write);
      },
    });
    const written = await Promise.allSettled(["a", "b", "c"].map((name) => queue.submit(writeTo(name))));
    expect(written.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(refusals).toEqual([REFUSED, REFUSED, REFUSED]);
  });

  it("waits no longer than a second for groups that are stuck", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { queue, requests } = queueOf({ maxInFlight: 1 });
    for (const name of ["a", "b", "c", "a"]) {
      void queue.submit(writeTo(name));
      await settled();
    }
    vi.advanceTimersByTime(999);
    expect(requests.map(({ names }) => names)).toEqual([["a"]]);
    vi.advanceTimersByTime(1);
    // What is of a session that is stuck waits on.
    expect(requests.map(({ names }) => names)).toEqual([["a"], ["b", "c"]]);
    vi.advanceTimersByTime(5_000);
    await requests[1]?.answer();
    expect(requests).toHaveLength(2);
    await requests[0]?.answer();
    expect(requests.slice(2).map(({ names }) => names)).toEqual([["a"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("fails all of a group when the store fails, and goes on", async () => {
    const { queue, requests } = queueOf();
    const lost = new MemoryError({ code: "unavailable", message: "it is away" });
    const written = Promise.allSettled(["a", "b"].map((name) => queue.submit(writeTo(name))));
    await settled();
    await requests[0]?.fail(lost);
    expect((await written).map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([lost, lost]);
    void queue.submit(writeTo("a"));
    await settled();
    expect(requests.slice(1).map(({ names }) => names)).toEqual([["a"]]);
  });

  it("sends large writes alone, two at a time, beside the groups of small ones", async () => {
    const { queue, requests } = queueOf({ maxInFlight: 1 });
    const large = (sessionId: string): AtomWrite => {
      const { rows } = writeTo(sessionId);
      return { rows: rows.map((row) => ({ ...row, content: "x".repeat(300_000) })) };
    };
    const written = ["A", "B", "C"].map((name) => queue.submit(large(name)));
    written.push(...["a", "b", "A"].map((name) => queue.submit(writeTo(name))));
    await settled();
    expect(requests.map(({ names }) => names)).toEqual([["a", "b"], ["A"], ["B"]]);
    await requests[0]?.answer();
    for (const name of ["c", "d"]) written.push(queue.submit(writeTo(name)));
    await settled();
    // A later write of a session with a large one under way waits for that one, and for nothing else.
    expect(requests.slice(3).map(({ names }) => names)).toEqual([["c", "d"]]);
    await requests[1]?.answer();
    expect(requests.slice(4).map(({ names }) => names)).toEqual([["C"]]);
    await requests[3]?.answer();
    expect(requests.slice(5).map(({ names }) => names)).toEqual([["A"]]);
    for (const { answer } of requests) await answer();
    expect(await Promise.all(written)).toHaveLength(8);
  });
});
