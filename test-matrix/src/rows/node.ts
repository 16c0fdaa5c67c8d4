import { cellOf, refusalOf, rowOf } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run } from "../command.ts";
import { COLUMNS, importingModule, PACKAGES, printing, printingExports, requiringModule } from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

interface Version {
  /** As npm's package `node` is asked for. */
  readonly specifier: string;
  readonly title: string;
  readonly refused: readonly string[];
}

const VERSIONS: readonly Version[] = [
  { specifier: "node@20.20.2", title: "Node.js 20.20", refused: COLUMNS },
  { specifier: "node@22.13.1", title: "Node.js 22.13", refused: ["SQLite"] },
  { specifier: "node@22", title: "Node.js 22", refused: [] },
  { specifier: "node@24.21.0", title: "Node.js 24", refused: [] },
  { specifier: "node@latest", title: "the latest Node.js", refused: [] },
];

export const NODE: Group = {
  name: "node",
  heading: "Node.js, after `npm init -y`",
  rows: async (matrix) => {
    const rows: Row[] = [];
    for (const version of VERSIONS) rows.push(...(await rowsOf(matrix, version)));
    return rows;
  },
};

async function rowsOf({ workplace, environment }: Matrix, { specifier, title, refused }: Version): Promise<Row[]> {
  const program = await workplace.tool(specifier, "node/bin/node");
  const files = COLUMNS.flatMap((column, index) => [
    [`${index}.mjs`, printing(importingModule(column))],
    [`${index}.cjs`, printingExports(requiringModule(column))],
  ]);
  const project = await workplace.project(PACKAGES, Object.fromEntries(files));
  const cell = (extension: string) => (column: string) => {
    const start = () => run(program, [`${COLUMNS.indexOf(column)}.${extension}`], project, environment);
    return refused.includes(column) ? refusalOf(start) : cellOf([{ run: start }]);
  };
  return [
    await rowOf(`${title}, \`import\` (.mjs)`, COLUMNS, cell("mjs")),
    await rowOf(`${title}, \`require()\` (.cjs)`, COLUMNS, cell("cjs")),
  ];
}
