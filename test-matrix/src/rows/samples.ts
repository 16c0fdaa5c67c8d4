/**
 * The samples of the READMEs, each copied into a new project, after the install lines of its README, on each Node.js.
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cellOf } from "../attempt.ts";
import type { Cell, Row } from "../cell.ts";
import { run } from "../command.ts";
import { REMEMBERED } from "../programs.ts";
import { installedPackages, samplesOf } from "../samples.ts";
import type { Group, Matrix } from "./run.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const VERSIONS = { "Node.js 22": "node@22", "Node.js 24": "node@24.21.0", "the latest Node.js": "node@latest" };

export const SAMPLES: Group = {
  name: "samples",
  heading: "The samples of the READMEs, as they are copied",
  columns: Object.keys(VERSIONS),
  rows: async (matrix) => {
    const documents = globSync(["README.md", "packages/*/README.md"], { cwd: ROOT }).toSorted();
    const rows: Row[] = [];
    for (const document of documents) {
      const text = await readFile(join(ROOT, document), "utf8");
      const samples = samplesOf(text);
      if (samples.length > 0 && (await isPublished(document))) rows.push(await documentRow(matrix, document, text));
    }
    return rows;
  },
};

async function isPublished(document: string): Promise<boolean> {
  const manifest = await readFile(join(ROOT, dirname(document), "package.json"), "utf8");
  return document === "README.md" || !manifest.includes('"private": true');
}

async function documentRow(matrix: Matrix, document: string, text: string): Promise<Row> {
  const cells = new Map<string, Cell>();
  for (const [title, specifier] of Object.entries(VERSIONS)) {
    const node = await matrix.workplace.tool(specifier, "node/bin/node");
    cells.set(title, await documentCell(matrix, node, text));
  }
  return { title: document, cells };
}

async function documentCell({ workplace, environment }: Matrix, node: string, text: string): Promise<Cell> {
  const samples = samplesOf(text);
  const files = Object.fromEntries(samples.map(({ file, code }) => [file, code]));
  const project = await workplace.project(installedPackages(text), files);
  for (const { file } of samples) {
    const cell = await cellOf([
      {
        run: async () => {
          const ended = await run(node, [file], project, environment);
          return ended.exitCode === 0 ? { ...ended, output: REMEMBERED } : ended;
        },
      },
    ]);
    if (cell.kind === "fails") return { kind: "fails", problem: `${file}: ${cell.problem}` };
  }
  return { kind: "works" };
}
