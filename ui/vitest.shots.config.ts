import { defineConfig } from "vitest/config";

// `cargo xtask shots`: takes the pictures in docs/shots. No test of the program.
export default defineConfig({
  test: {
    environment: "node",
    include: ["tests/shots/take.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
