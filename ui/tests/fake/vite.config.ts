import { resolve } from "node:path";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The page over the engine of the tests, built as the real one is, so that it can be served under the real policy.
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: resolve(import.meta.dirname, "../../public"),
  plugins: [svelte({ configFile: resolve(import.meta.dirname, "../../svelte.config.js") })],
  build: { outDir: process.env["FAKE_OUT"] ?? resolve(import.meta.dirname, "../../node_modules/.fake"), emptyOutDir: true, target: ["safari17", "chrome120"], assetsInlineLimit: 0, cssCodeSplit: false, modulePreload: { polyfill: false } },
});
