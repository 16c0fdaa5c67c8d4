/** The programs that people run from a terminal, installed by name, on each Node.js. */
import { cellOf, refusalOf, rowOf } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run, type Ended } from "../command.ts";
import { REMEMBERED } from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

interface Program {
  readonly packageName: string;
  readonly args: readonly string[];
  /** The output of a run that works. */
  readonly expected: string;
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  "rivet-memory": {
    packageName: "@rivet/memory-cli",
    args: ["migrate", "sqlite:memory.db"],
    expected: "is up to date now",
  },
  "rivet-memory-console": { packageName: "@rivet/memory-console", args: ["--help"], expected: "Usage:" },
};

const VERSIONS: readonly { readonly specifier: string; readonly title: string; readonly isRefused: boolean }[] = [
  { specifier: "node@20.20.2", title: "Node.js 20.20", isRefused: true },
  { specifier: "node@22", title: "Node.js 22", isRefused: false },
  { specifier: "node@24.21.0", title: "Node.js 24", isRefused: false },
  { specifier: "node@latest", title: "the latest Node.js", isRefused: false },
];

export const PROGRAM_GROUP: Group = {
  name: "programs",
  heading: "The programs of the command line",
  columns: Object.keys(PROGRAMS),
  rows: async (matrix) => {
    const rows: Row[] = [];
    for (const { specifier, title, isRefused } of VERSIONS) {
      rows.push(
        await rowOf(title, Object.keys(PROGRAMS), async (name) => {
          const start = (): Promise<Ended> => runProgram(matrix, specifier, name);
          return isRefused ? refusalOf(start) : cellOf([{ run: start }]);
        }),
      );
    }
    return rows;
  },
};

async function runProgram({ workplace, environment }: Matrix, specifier: string, name: string): Promise<Ended> {
  const { packageName, args, expected } = PROGRAMS[name] ?? { packageName: name, args: [], expected: "" };
  const node = await workplace.tool(specifier, "node/bin/node");
  const project = await workplace.project([packageName], {});
  const ended = await run(node, [`node_modules/${packageName}/dist/main.js`, ...args], project, environment);
  const isRight = ended.exitCode === 0 && ended.output.includes(expected);
  return isRight ? { ...ended, output: REMEMBERED } : ended;
}
