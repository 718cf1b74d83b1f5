import { defineConfig } from "vitest/config"

/** Tests that start programs and servers, or measure: one file at a time, so that they have the machine to themselves. */
const SYSTEMS = [
  "test/**/*.test.ts",
  "packages/{cli,fleet,redis}/**/*.test.ts",
  "{packages/queue-store,services/notifications}/test/**/*.test.ts",
]

// biome-ignore lint/style/noDefaultExport: the runner reads its configuration from the default export
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    projects: [
      {
        extends: true,
        test: {
          name: "units",
          include: ["{packages,services,bench,tools}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/data/**", ...SYSTEMS],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "systems",
          include: SYSTEMS,
          exclude: ["**/node_modules/**", "**/data/**"],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
