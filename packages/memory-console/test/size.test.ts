import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { builtPage } from "../page/build.ts";

describe("the built page", () => {
  it("has less than 200 kB of compressed script, and React in its fast form", async () => {
    const assets = join(await builtPage(), "assets");
    const scripts = readdirSync(assets).filter((file) => file.endsWith(".js"));
    const texts = scripts.map((file) => readFileSync(join(assets, file), "utf8"));
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.reduce((sum, text) => sum + gzipSync(text).length, 0)).toBeLessThan(200_000);
    expect(texts.join("")).not.toContain("jsxDEV");
  });

  it("comes with the licence of each library whose code is in it", async () => {
    const licences = readFileSync(join(await builtPage(), "third-party-licenses.md"), "utf8");
    for (const library of ["react", "react-dom", "scheduler"])
      expect(licences).toMatch(new RegExp(`^## ${library} - .*MIT`, "m"));
    expect(licences).toContain("Permission is hereby granted, free of charge");
    expect(licences).toContain("Meta Platforms");
  });
});
