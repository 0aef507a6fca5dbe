import { defineConfig } from "vitest/config";

// `npm run bench`: prints how quick the window is. No test of the program: what it prints hangs on the machine.
export default defineConfig({
  test: {
    environment: "node",
    include: ["tests/bench/*.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
