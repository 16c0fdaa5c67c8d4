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

/** One bundler: how it builds `NAME.mjs`, and which line makes it leave the native module outside. */
interface Bundler {
  readonly title: string;
  readonly external: string;
  readonly config: (isExternal: boolean) => Readonly<Record<string, string>>;
  readonly build: (name: string, isExternal: boolean) => readonly string[];
  readonly built: (name: string) => string;
}

const BUNDLERS: readonly Bundler[] = [
  {
    title: "esbuild, `--bundle --platform=node`",
    external: "`--external:better-sqlite3`",
    config: () => ({}),
    build: (name, isExternal) => [
      "esbuild",
      `${name}.mjs`,
      "--bundle",
      "--platform=node",
      ...(isExternal ? ["--external:better-sqlite3"] : []),
      `--outfile=built/${name}.cjs`,
    ],
    built: (name) => `built/${name}.cjs`,
  },
  {
    title: "Vite, `vite build --ssr`, all bundled",
    external: '`ssr: { external: ["better-sqlite3"] }`',
    config: (isExternal) => ({
      "vite.config.mjs": `export default { ssr: { noExternal: true${isExternal ? ', external: ["better-sqlite3"]' : ""} } };`,
    }),
    build: (name) => ["vite", "build", "--ssr", `${name}.mjs`, "--outDir", `built/${name}`],
    built: (name) => `built/${name}/${name}.mjs`,
  },
  {
    title: 'webpack 5, `target: "node"`',
    external: '`externals: { "better-sqlite3": "commonjs better-sqlite3" }`',
    config: (isExternal) => ({
      "webpack.config.cjs": `module.exports = { mode: "production", target: "node",
        ${isExternal ? 'externals: { "better-sqlite3": "commonjs better-sqlite3" },' : ""}
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
      return cellOf([{ line: BACKENDS_NOTE, run: () => bundle(matrix, bundler, bundledOpenStorage(), false) }]);
    }
    const module = importingModule(column);
    const attempts: Attempt[] = [{ run: () => bundle(matrix, bundler, module, false) }];
    if (column === "SQLite")
      attempts.push({ line: bundler.external, run: () => bundle(matrix, bundler, module, true) });
    return cellOf(attempts);
  });
}

async function bundle(matrix: Matrix, bundler: Bundler, module: string, isExternal: boolean): Promise<Ended> {
  const files = { "main.mjs": printing(module), ...bundler.config(isExternal) };
  const project = await matrix.workplace.project([...PACKAGES, ...TOOLS], files);
  const built = await run("npx", bundler.build("main", isExternal), project);
  if (built.exitCode !== 0) return built;
  const warning = /^.*(?:warning in|critical dependency|▲ \[WARNING\]).*$/im.exec(built.output + built.errors)?.[0];
  if (warning !== undefined && /@rivet|critical dependency/i.test(built.output + built.errors)) {
    return { ...built, exitCode: null, output: "", errors: `the build warns: ${warning}` };
  }
  return run(matrix.node, [bundler.built("main")], project, matrix.environment);
}
