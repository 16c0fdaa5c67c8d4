import { cellOf, rowOf } from "../attempt.ts";
import { run } from "../command.ts";
import { COLUMNS, importingModule, PACKAGES, printing } from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

const RUNTIMES = [
  { specifier: "bun@1.4.5", title: "Bun 1.4", file: ".bin/bun", args: ["run"] },
  { specifier: "deno@2.9.6", title: "Deno 2.9, `deno run -A`", file: ".bin/deno", args: ["run", "-A"] },
];

export const OTHER_RUNTIMES: Group = {
  name: "runtimes",
  heading: "Other runtimes",
  rows: async (matrix) => {
    const rows = [];
    for (const { specifier, title, file, args } of RUNTIMES)
      rows.push(await runtimeRow(matrix, title, specifier, file, args));
    return rows;
  },
};

async function runtimeRow(
  { workplace, environment }: Matrix,
  title: string,
  specifier: string,
  file: string,
  args: readonly string[],
) {
  const program = await workplace.tool(specifier, file);
  const files = COLUMNS.map((column, index) => [`${index}.mjs`, printing(importingModule(column))]);
  const project = await workplace.project(PACKAGES, Object.fromEntries(files));
  return rowOf(title, COLUMNS, (column) =>
    cellOf([{ run: () => run(program, [...args, `${COLUMNS.indexOf(column)}.mjs`], project, environment) }]),
  );
}
