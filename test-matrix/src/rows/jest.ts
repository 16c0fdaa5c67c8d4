import { cellOf, rowOf, type Attempt } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run, type Ended } from "../command.ts";
import { COLUMNS, importingModule, PACKAGES, REMEMBERED, requiringModule } from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

const TOOLS = [
  "jest@30",
  "ts-jest@29",
  "@swc/core@1",
  "@swc/jest@0.2",
  "typescript@5",
  "@types/node@24",
  "@types/jest@30",
];

const VM_MODULES = { NODE_OPTIONS: "--experimental-vm-modules" };
const VM_MODULES_LINE = '`"test": "NODE_OPTIONS=--experimental-vm-modules jest"` in package.json';

/** A test that fails unless the session is remembered, and prints that it is. */
const testing = (module: string): string => `${module}
test("remembers", async () => {
  const said = await remember();
  expect(said).toBe("${REMEMBERED}");
  process.stdout.write(said);
});
`;

interface Habit {
  readonly title: string;
  /** The configuration, and the tests of a column, by the attempt. */
  readonly attempts: readonly {
    readonly line?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly config: object;
    readonly extension: string;
    readonly code: (column: string) => string;
  }[];
}

const requiring = (column: string): string =>
  testing(requiringModule(column).replace("exports.remember = async function", "async function remember"));
const importing = (column: string): string => testing(importingModule(column));

const TS_JEST = {
  "^.+\\.ts$": [
    "ts-jest",
    { useESM: true, tsconfig: { module: "esnext", target: "es2022", moduleResolution: "bundler" } },
  ],
};

const HABITS: readonly Habit[] = [
  {
    title: "Jest 30, `require()`",
    attempts: [
      { config: {}, extension: "js", code: requiring },
      { line: VM_MODULES_LINE, environment: VM_MODULES, config: {}, extension: "js", code: requiring },
    ],
  },
  {
    title: "Jest 30, `import` (.mjs)",
    attempts: [
      { config: { testMatch: ["**/*.test.mjs"] }, extension: "mjs", code: importing },
      {
        line: VM_MODULES_LINE,
        environment: VM_MODULES,
        config: { testMatch: ["**/*.test.mjs"] },
        extension: "mjs",
        code: importing,
      },
    ],
  },
  {
    title: "Jest 30 with ts-jest",
    attempts: [
      { config: { preset: "ts-jest" }, extension: "ts", code: importing },
      {
        line: `${VM_MODULES_LINE}, with \`preset: "ts-jest"\``,
        environment: VM_MODULES,
        config: { preset: "ts-jest" },
        extension: "ts",
        code: importing,
      },
      {
        line: `${VM_MODULES_LINE}, with \`preset: "ts-jest/presets/default-esm"\``,
        environment: VM_MODULES,
        config: { extensionsToTreatAsEsm: [".ts"], transform: TS_JEST },
        extension: "ts",
        code: importing,
      },
    ],
  },
  {
    title: "Jest 30 with @swc/jest",
    attempts: [
      { config: { transform: { "^.+\\.ts$": "@swc/jest" } }, extension: "ts", code: importing },
      {
        line: VM_MODULES_LINE,
        environment: VM_MODULES,
        config: { transform: { "^.+\\.ts$": "@swc/jest" } },
        extension: "ts",
        code: importing,
      },
      {
        line: `${VM_MODULES_LINE}, with \`extensionsToTreatAsEsm: [".ts"]\``,
        environment: VM_MODULES,
        config: { extensionsToTreatAsEsm: [".ts"], transform: { "^.+\\.ts$": "@swc/jest" } },
        extension: "ts",
        code: importing,
      },
    ],
  },
];

export const JEST: Group = {
  name: "jest",
  heading: "Jest",
  rows: async (matrix) => {
    const rows: Row[] = [];
    for (const { title, attempts } of HABITS) {
      rows.push(await rowOf(title, COLUMNS, (column) => cellOf(attempts.map((one) => attemptOf(matrix, column, one)))));
    }
    return rows;
  },
};

function attemptOf(matrix: Matrix, column: string, one: Habit["attempts"][number]): Attempt {
  const { line, environment = {}, config, extension, code } = one;
  const start = async (): Promise<Ended> => {
    const files = { [`memory.test.${extension}`]: code(column), "jest.config.json": JSON.stringify(config) };
    const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], files);
    return run("npx", ["jest", "--forceExit"], project, { ...matrix.environment, ...environment });
  };
  return line === undefined ? { run: start } : { line, run: start };
}
