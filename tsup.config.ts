import { defineConfig } from "tsup";

/** One build for every published package: ESM, declarations and source maps from `src/index.ts`. */
export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  target: "node22",
  dts: true,
  sourcemap: true,
  clean: true,
});
