import { describe, expect, it } from "vitest";
import { DatabaseError } from "../src/index.ts";
import { Health } from "../src/provider/health.ts";

const AROUND = { provider: "neon", nowMs: () => 0, isAlone: () => false, dwellMs: 5_000, onChange: () => undefined };

function error(sqlState: string): DatabaseError {
  return new DatabaseError({ code: "timeout", message: "it took too long", provider: "neon", host: "neon", sqlState });
}

function upHealth(): Health {
  const health = new Health(AROUND);
  health.apply({ type: "answered", isWrite: true });
  return health;
}

describe("an error that turns out to be the caller's", () => {
  it("is taken back with those of the attempts before it", () => {
    const health = upHealth();
    const [first, second] = [error("57014"), error("57014")];
    health.apply({ type: "failed", effect: "suspect" }, first);
    health.apply({ type: "failed", effect: "suspect" }, second);
    expect(health.state).toBe("down");
    health.acquit(second);
    expect(health.state).toBe("up");
  });

  it("is taken back when the provider is on its way back by then", () => {
    const health = upHealth();
    const only = error("53300");
    health.apply({ type: "failed", effect: "saturated" }, only);
    health.apply({ type: "probed", isReadOnly: false });
    expect(health.state).toBe("probing");
    health.acquit(only);
    expect(health.state).toBe("up");
  });

  it("takes nothing back that another error has done since", () => {
    const health = upHealth();
    const [first, other] = [error("57014"), error("57P01")];
    health.apply({ type: "failed", effect: "suspect" }, first);
    health.apply({ type: "failed", effect: "down" }, other);
    health.acquit(first);
    expect(health.state).toBe("down");
  });

  it("takes nothing back once the provider is well again", () => {
    const health = upHealth();
    const [first, later] = [error("57014"), error("57014")];
    health.apply({ type: "failed", effect: "suspect" }, first);
    health.apply({ type: "answered", isWrite: false });
    health.apply({ type: "failed", effect: "suspect" }, later);
    health.acquit(first);
    expect(health.state).toBe("suspect");
  });
});
