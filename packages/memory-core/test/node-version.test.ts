import { describe, expect, it } from "vitest";
import { MemoryError } from "../src/index.ts";
import { assertNodeVersion, nodeVersion } from "../src/storage/node-version.ts";

describe("the check of the Node.js version", () => {
  it.each(["14.21.3", "18.20.8", "20.20.2", "21.7.3"])(
    "refuses Node.js %s and names the version that is needed",
    (version) => {
      const refuse = (): void => assertNodeVersion(version);
      expect(refuse).toThrow(MemoryError);
      expect(refuse).toThrow(`needs Node.js 22 or later, and this is Node.js ${version}`);
    },
  );

  it.each(["22.0.0", "23.5.0", "24.21.0", "100.0.0", undefined])("accepts %s", (version) => {
    expect(() => assertNodeVersion(version)).not.toThrow();
  });

  it("reads the version of the process that it runs in", () => {
    expect(nodeVersion()).toBe(process.versions.node);
  });
});
