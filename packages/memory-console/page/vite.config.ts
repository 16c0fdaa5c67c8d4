import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // An application may mount the page under a path of its own.
  base: "./",
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // The licences of the libraries whose code is in the page: they ask to be passed on with it.
    license: { fileName: "third-party-licenses.md" },
  },
});
