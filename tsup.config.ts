import { defineConfig } from "tsup";

/**
 * One build for every published package: ESM, declarations and source maps from `src/index.ts`. Development dependencies that a
 * source imports become part of it: small ones, that users would otherwise install as packages of their own.
 */
export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  target: "node22",
  dts: { resolve: ["@standard-schema/spec"] },
  sourcemap: true,
  // They are beside the maps, in `src`.
  esbuildOptions: (options) => void (options.sourcesContent = false),
  clean: true,
});
