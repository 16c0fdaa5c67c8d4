import { describe, expect, it } from "vitest";
import type { PlacedAtom } from "../src/atom-places.ts";
import { problemsOf } from "../src/placement.ts";

const STORES = ["neon", "railway"];

function atom(copies: Readonly<Record<string, number>>, isAlike = true): PlacedAtom {
  return { id: "a", memoryType: "log", content: null, copies: new Map(Object.entries(copies)), isAlike };
}

describe("the places of atoms", () => {
  it("are right when each provider has each atom once", () => {
    expect(problemsOf([atom({ neon: 1, railway: 1 })], new Set(["a"]), STORES)).toEqual([]);
  });

  it.each([
    ["nowhere", [], "the acknowledged atom a is in no store"],
    ["twice in a provider", [atom({ neon: 2, railway: 1 })], "the atom a is twice in neon"],
    ["not in all of them", [atom({ neon: 1 })], "the atom a is not in railway"],
    ["in the journal alone", [atom({ journal: 1 })], "the atom a is not in neon"],
    [
      "different from one to another",
      [atom({ neon: 1, railway: 1 }, false)],
      "the atom a is not the same in all stores",
    ],
  ])("are wrong when an atom is %s", (_, atoms, problem) => {
    expect(problemsOf(atoms, new Set(["a"]), STORES)).toContain(problem);
  });

  it("are wrong when the journal still holds what all have", () => {
    const problems = problemsOf([atom({ neon: 1, railway: 1, journal: 1 })], new Set(["a"]), STORES);
    expect(problems).toEqual(["the atom a is still in the journal"]);
  });
});
