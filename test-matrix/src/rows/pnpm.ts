/** A workspace of pnpm whose packages see what they declare and nothing else. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cellOf, rowOf, type Attempt } from "../attempt.ts";
import { run, runWell, type Ended } from "../command.ts";
import {
  BACKENDS_LINE,
  bundledOpenStorage,
  COLUMNS,
  importingModule,
  OPEN_STORAGE,
  PACKAGES,
  printing,
} from "../programs.ts";
import type { Group, Matrix } from "./run.ts";

const PNPM = "pnpm@12.17.0";

export const PNPM_GROUP: Group = {
  name: "pnpm",
  heading: "A workspace of pnpm 12 with `hoist: false`",
  rows: async (matrix) => {
    const app = await installedApp(matrix);
    const runIn = (column: string, module: string) => async (): Promise<Ended> => {
      const file = `main-${COLUMNS.indexOf(column)}.mjs`;
      await writeFile(join(app, file), printing(module));
      return run(matrix.node, [file], app, matrix.environment);
    };
    return [
      await rowOf("Node.js 24, `import` (.mjs)", COLUMNS, (column) => {
        const attempts: Attempt[] = [{ run: runIn(column, importingModule(column)) }];
        if (column === OPEN_STORAGE) {
          attempts.push({ line: `\`openStorage(url, ${BACKENDS_LINE})\``, run: runIn(column, bundledOpenStorage()) });
        }
        return cellOf(attempts);
      }),
    ];
  },
};

/** @returns the folder of the workspace's only package. */
async function installedApp({ workplace }: Matrix): Promise<string> {
  const workspace = await workplace.folderFor({
    "package.json": JSON.stringify({ name: "workspace", private: true }),
    "pnpm-workspace.yaml": "packages: [app]\nhoist: false\n",
    "app/package.json": JSON.stringify({
      name: "app",
      dependencies: Object.fromEntries(PACKAGES.map((name) => [name, "*"])),
    }),
  });
  await runWell("npx", ["-y", PNPM, "install", "--no-frozen-lockfile"], workspace, { CI: "true" });
  return join(workspace, "app");
}
