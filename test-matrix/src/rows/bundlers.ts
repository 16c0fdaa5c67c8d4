import { cellOf, rowOf, type Attempt } from "../attempt.ts";
import type { Row } from "../cell.ts";
import { run, type Ended } from "../command.ts";
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

const TOOLS = ["esbuild@0.28", "vite@8", "webpack@5", "webpack-cli@7"];
const BACKENDS_NOTE = `\`openStorage(url, ${BACKENDS_LINE})\``;

/** One bundler: how it builds `NAME.mjs`, and the setting that a backend needs, where it needs one. */
interface Bundler {
  readonly title: string;
  /** By backend: as it stands in the configuration, or in the command. */
  readonly settings: Readonly<Record<string, string>>;
  readonly config: (setting: string) => Readonly<Record<string, string>>;
  readonly build: (name: string, setting: string) => readonly string[];
  readonly built: (name: string) => string;
}

const BUNDLERS: readonly Bundler[] = [
  {
    title: "esbuild, `--bundle --platform=node`",
    settings: { SQLite: "--external:better-sqlite3" },
    config: () => ({}),
    build: (name, setting) => [
      "esbuild",
      `${name}.mjs`,
      "--bundle",
      "--platform=node",
      ...(setting === "" ? [] : [setting]),
      `--outfile=built/${name}.cjs`,
    ],
    built: (name) => `built/${name}.cjs`,
  },
  {
    title: "Vite, `vite build --ssr`, all bundled",
    settings: { SQLite: 'ssr: { external: ["better-sqlite3"] }' },
    config: (setting) => ({
      "vite.config.mjs": `import { mergeConfig } from "vite";
        export default mergeConfig({ ssr: { noExternal: true } }, { ${setting} });`,
    }),
    build: (name) => ["vite", "build", "--ssr", `${name}.mjs`, "--outDir", `built/${name}`],
    built: (name) => `built/${name}/${name}.mjs`,
  },
  {
    title: 'webpack 5, `target: "node"`',
    settings: {
      SQLite: 'externals: { "better-sqlite3": "commonjs better-sqlite3" }',
      PostgreSQL: 'resolve: { alias: { "pg-native": false } }',
    },
    config: (setting) => ({
      "webpack.config.cjs": `module.exports = { mode: "production", target: "node",
        ${setting}${setting === "" ? "" : ","}
        output: { path: __dirname + "/built", filename: "[name].cjs" } };`,
    }),
    build: (name) => ["webpack", "--entry", `./${name}.mjs`, "--output-filename", `${name}.cjs`],
    built: (name) => `built/${name}.cjs`,
  },
];

export const BUNDLER_GROUP: Group = {
  name: "bundlers",
  heading: "Bundles",
  rows: async (matrix) => {
    const rows: Row[] = [];
    for (const bundler of BUNDLERS) rows.push(await bundlerRow(matrix, bundler));
    return rows;
  },
};

async function bundlerRow(matrix: Matrix, bundler: Bundler): Promise<Row> {
  return rowOf(bundler.title, COLUMNS, (column) => {
    if (column === OPEN_STORAGE) {
      return cellOf([{ line: BACKENDS_NOTE, run: () => bundle(matrix, bundler, bundledOpenStorage(), "") }]);
    }
    const module = importingModule(column);
    const attempts: Attempt[] = [{ run: () => bundle(matrix, bundler, module, "") }];
    const setting = bundler.settings[column];
    if (setting !== undefined) {
      attempts.push({ line: `\`${setting}\``, run: () => bundle(matrix, bundler, module, setting) });
    }
    return cellOf(attempts);
  });
}

async function bundle(matrix: Matrix, bundler: Bundler, module: string, setting: string): Promise<Ended> {
  const files = { "main.mjs": printing(module), ...bundler.config(setting) };
  const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], files);
  const built = await run("npx", bundler.build("main", setting), project);
  if (built.exitCode !== 0) return built;
  const warning = /^.*(?:warning in|critical dependency|▲ \[WARNING\]).*$/im.exec(built.output + built.errors)?.[0];
  if (warning !== undefined && /@rivet|critical dependency/i.test(built.output + built.errors)) {
    return { ...built, exitCode: null, output: "", errors: `the build warns: ${warning}` };
  }
  return run(matrix.node, [bundler.built("main")], project, matrix.environment);
}
