import { describe, expect, it } from "vitest";
import { HedgeBudget, hedgeDelayMs } from "../src/routing/hedge.ts";
import type { ProviderState } from "../src/provider/provider-state.ts";
import { isUsable, route, type Route } from "../src/routing/routing.ts";

const write: Route = { isReadOnly: false, among: undefined, isLastResortAllowed: true };
const read: Route = { ...write, isReadOnly: true };

/** The name of the provider for work, with the providers a, b and c in these states. */
function chosen(
  states: readonly ProviderState[],
  to: Route = write,
  tried: readonly string[] = [],
): string | undefined {
  const candidates = states.map((state, index) => ({ name: "abc".charAt(index), state }));
  return route(candidates, to, new Set(tried))?.name;
}

describe("work goes", () => {
  it.each<[readonly ProviderState[], string, string]>([
    // states of a, b and c, who writes, who reads
    [["unknown", "up", "up"], "a", "a"],
    [["suspect", "up", "up"], "b", "b"],
    [["down", "suspect", "up"], "c", "c"],
    [["catching-up", "suspect", "down"], "b", "b"],
    [["probing", "catching-up", "down"], "b", "b"],
    [["saturated", "probing", "down"], "b", "b"],
    [["read-only", "up", "up"], "b", "b"],
    [["read-only", "saturated", "down"], "b", "a"],
    [["no-write", "suspect", "down"], "b", "a"],
    [["no-write", "down", "ineligible"], "b", "a"],
    [["ineligible", "read-only", "no-write"], "c", "b"],
    [["ineligible", "down", "down"], "b", "b"],
  ])("with %o, to %s, and %s for reads", (states, writer, reader) => {
    expect([chosen(states), chosen(states, read)]).toEqual([writer, reader]);
  });

  it("to nobody twice, and to nobody else than who was asked for", () => {
    expect(chosen(["up", "up", "down"], write, ["a"])).toBe("b");
    expect(chosen(["up", "up", "down"], write, ["a", "b"])).toBe("c");
    expect(chosen(["up", "up", "down"], write, ["a", "b", "c"])).toBeUndefined();
    expect(chosen(["up", "up", "down"], { ...write, among: ["b", "c"] })).toBe("b");
  });

  it("nowhere rather than to one that is away, where there is something better", () => {
    const to = { ...write, isLastResortAllowed: false };
    expect(chosen(["down", "ineligible", "read-only"], to)).toBeUndefined();
    expect(chosen(["down", "ineligible", "saturated"], to)).toBe("c");
    expect(isUsable("read-only", true)).toBe(true);
    expect(isUsable("read-only", false)).toBe(false);
  });
});

describe("a hedge", () => {
  it("comes after three times what the slowest answers take, and not before the shortest time", () => {
    expect([undefined, 10, 50, 200].map((p99Ms) => hedgeDelayMs(150, p99Ms))).toEqual([150, 150, 150, 600]);
  });

  it("is made for at most 5 % of the operations, after a burst", () => {
    const budget = new HedgeBudget();
    let hedges = 0;
    for (let operation = 0; operation < 2_000; operation += 1) {
      budget.earn();
      if (budget.spend()) hedges += 1;
    }
    expect(hedges).toBeGreaterThanOrEqual(100);
    expect(hedges).toBeLessThanOrEqual(110);
  });
});
