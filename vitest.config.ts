import { defineConfig } from "vitest/config"

// biome-ignore lint/style/noDefaultExport: the runner reads its configuration from the default export
export default defineConfig({
  test: {
    include: [
      "packages/**/*.test.ts",
      "services/**/*.test.ts",
      "test/**/*.test.ts",
      "bench/**/*.test.ts",
      "tools/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/data/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
  },
})
