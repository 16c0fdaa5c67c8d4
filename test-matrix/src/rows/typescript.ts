import { cellOf, rowOf, type Attempt } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run, runWell, type Ended } from "../command.ts";
import { COLUMNS, importingModule, PACKAGES, printing } from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

/** ts-node 10 knows no later TypeScript than 5. */
const TOOLS = ["typescript@5", "ts-node@10", "tsx@4", "@types/node@24"];

/** As `tsc --init` of TypeScript 5 has it for years: CommonJS, and the resolution of Node.js 10 that belongs to it. */
const COMMON_JS = {
  compilerOptions: { target: "es2022", module: "commonjs", moduleResolution: "node10", strict: true, types: ["node"] },
};

export const TYPESCRIPT: Group = {
  name: "typescript",
  heading: "TypeScript",
  rows: async (matrix) => {
    const files = COLUMNS.map((column, index) => [`main-${index}.ts`, printing(importingModule(column))]);
    const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], {
      ...Object.fromEntries(files),
      "tsconfig.json": JSON.stringify(COMMON_JS),
    });
    const rows: Row[] = [];
    for (const [title, attempts] of Object.entries(WAYS)) {
      rows.push(
        await rowOf(title, COLUMNS, (column) => cellOf(attempts(matrix, project, `main-${COLUMNS.indexOf(column)}`))),
      );
    }
    return rows;
  },
};

type Way = (matrix: Matrix, project: string, name: string) => Attempt[];

const WAYS: Readonly<Record<string, Way>> = {
  "tsc with `module: commonjs` and `moduleResolution: node10`": ({ node, environment }, project, name) => [
    {
      run: async () => {
        const compiled = await run("npx", ["tsc", "-p", ".", "--noEmitOnError", "--outDir", "compiled"], project);
        return compiled.exitCode === 0 ? run(node, [`compiled/${name}.js`], project, environment) : compiled;
      },
    },
  ],
  "ts-node 10, CommonJS": ({ node, environment }, project, name) => [
    { run: () => run(node, ["node_modules/ts-node/dist/bin.js", `${name}.ts`], project, environment) },
  ],
  "tsx 4": ({ environment }, project, name) => {
    const tsx = (): Promise<Ended> => run("npx", ["tsx", `${name}.ts`], project, environment);
    return [
      { run: () => withModuleType("commonjs", project, tsx) },
      { line: '`"type": "module"` in package.json', run: () => withModuleType("module", project, tsx) },
    ];
  },
};

/** Runs the program of a project whose files are modules of this type. */
async function withModuleType(
  type: "commonjs" | "module",
  project: string,
  start: () => Promise<Ended>,
): Promise<Ended> {
  await runWell("npm", ["pkg", "set", `type=${type}`], project);
  return start();
}
