import { describe, expect, it } from "vitest";
import { cellText, failuresOf, tableText } from "../src/cell.ts";
import { documentText } from "../src/document.ts";
import { installedPackages, samplesOf } from "../src/samples.ts";

describe("the table of the runtimes", () => {
  it("has a row for each runtime and a column for each backend, with a dash where nothing ran", () => {
    const rows = [{ title: "Node.js", cells: new Map([["a", { kind: "works" } as const]]) }];
    expect(tableText(["a", "b"], rows)).toBe("|  | a | b |\n| --- | --- | --- |\n| Node.js | works | — |");
  });

  it("names the line that makes a backend work, and the reason why one cannot", () => {
    expect(cellText({ kind: "line", line: "`--external:x`" })).toBe("works with `--external:x`");
    expect(cellText({ kind: "cannot", reason: "there are no files" })).toBe("cannot, because there are no files");
  });

  it("keeps a bar in a cell from ending the cell", () => {
    const rows = [{ title: "x", cells: new Map([["a", { kind: "line", line: "a | b" } as const]]) }];
    expect(tableText(["a"], rows)).toContain("works with a \\| b |");
  });

  it("counts as failures what should work and does not, and nothing else", () => {
    const cells = new Map([
      ["a", { kind: "fails", problem: "boom" } as const],
      ["b", { kind: "cannot", reason: "none" } as const],
    ]);
    expect(failuresOf([{ title: "x", cells }])).toEqual(["x, a: boom"]);
  });
});

describe("the document of the runtimes", () => {
  it("keeps the sections that a run has not made", () => {
    const first = documentText({
      names: ["a", "b"],
      sections: new Map([
        ["a", "## A"],
        ["b", "## B"],
      ]),
      written: "",
      machine: "x",
    });
    const second = documentText({
      names: ["a", "b"],
      sections: new Map([["b", "## New"]]),
      written: first,
      machine: "x",
    });
    expect(second).toContain("## A\n");
    expect(second).toContain("## New");
    expect(second).not.toContain("## B");
  });
});

describe("the samples of a README", () => {
  it("are the blocks that begin with the name of a file", () => {
    const markdown = "```ts\n// a.mjs\nrun();\n```\n\n```ts\nnot.a.program();\n```\n";
    expect(samplesOf(markdown)).toEqual([{ file: "a.mjs", code: "// a.mjs\nrun();" }]);
  });

  it("are installed with all packages of the install lines, each once", () => {
    const markdown = "```sh\nnpm install --save-dev a b   # beside c\nnpm install b d\n```\n";
    expect(installedPackages(markdown)).toEqual(["a", "b", "d"]);
  });
});
