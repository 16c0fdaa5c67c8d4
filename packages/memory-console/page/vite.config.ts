import { defineConfig } from "vite";

export default defineConfig({
  // An application may mount the page under a path of its own.
  base: "./",
  build: { target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
