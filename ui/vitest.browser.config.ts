import { defineConfig } from "vitest/config";

// Real Chromium over the real bridge; see tests/browser/harness.ts for what it needs.
export default defineConfig({
  test: {
    environment: "node",
    include: ["tests/browser/**/*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    fileParallelism: false,
  },
});
