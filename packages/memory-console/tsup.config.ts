import { defineConfig } from "tsup";
import shared from "../../tsup.config.ts";

/** The library and the program; the page is Vite's. */
export default defineConfig({ ...shared, entry: ["src/index.ts", "src/main.ts"] });
