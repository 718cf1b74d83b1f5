import { expect, it } from "vitest"
import { processFigures } from "./process-figures.ts"

it.runIf(process.platform === "linux")("agrees with what the process knows of itself", () => {
  const { cpuSeconds, rss, rssPeak } = processFigures(process.pid)
  const { user, system } = process.cpuUsage()
  expect(Math.abs(cpuSeconds - (user + system) / 1e6)).toBeLessThan(0.2)
  expect(rss / process.memoryUsage.rss()).toBeCloseTo(1, 0)
  expect(rssPeak).toBeGreaterThanOrEqual(rss)
})

it("refuses in one line what is no process", () => {
  expect(() => processFigures(2 ** 30)).toThrow(/^--pid: cannot read the figures of process 1073741824: .+$/)
})
