// Runs every test and ends with one line that counts them. Arguments go to the runner: `npm test -- packages/encoding`.
import { startVitest } from "vitest/node"
import { haveVectors } from "../test/vectors.ts"
import { CountingReporter } from "./counting-reporter.ts"
import { installSystemPrograms } from "./system-programs.ts"

installSystemPrograms()

if (!haveVectors) {
  console.log(
    "sluice: no reference vectors found (SLUICE_VECTORS, default ../shared/vectors): the tests that need them are skipped",
  )
}

const counts = new CountingReporter()
const vitest = await startVitest("test", process.argv.slice(2), {
  run: true,
  watch: false,
  reporters: ["default", counts],
})
await vitest.close()
console.log(counts.summary())
if (counts.passed === 0) {
  console.error("sluice: no test ran")
  process.exitCode = 1
}
