import { systemClock } from "@sluice/ops/clock"
import { describe, expect, it } from "vitest"
import { RowWorkers } from "./row-workers.ts"

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Workers for the ones, the tens and so on; nothing is to be done about 0. */
function workersFor(left: Set<number>, runs: (readonly number[])[]): RowWorkers<number> {
  return new RowWorkers<number>(systemClock, {
    rows: () => left,
    workerOf: (n) => (n === 0 ? undefined : `numbers of ${`${n}`.length} digits`),
    jobOf: (row) => ({ id: Uint8Array.of(row), at: row, fresh: false, row }),
    run: async (rows) => {
      runs.push(rows)
      for (const row of rows) left.delete(row)
      return []
    },
    crashed: (error) => {
      throw error
    },
  })
}

describe("workers", () => {
  it("take the rows of their own, all of them together", async () => {
    const runs: (readonly number[])[] = []
    const workers = workersFor(new Set([0, 1, 10, 2, 20]), runs)
    workers.wake(0)
    await settled()
    expect(runs).toEqual([])
    workers.wake(2)
    await settled()
    expect(runs).toEqual([[1, 2]])
    workers.wakeAll()
    await settled()
    expect(runs).toEqual([
      [1, 2],
      [10, 20],
    ])
  })

  it("begin nothing once they are stopped, and take everything up when they are resumed", async () => {
    const runs: (readonly number[])[] = []
    const workers = workersFor(new Set([1, 10]), runs)
    await workers.stop()
    workers.wakeAll()
    await settled()
    expect(runs).toEqual([])
    workers.resume()
    await settled()
    expect(runs).toEqual([[1], [10]])
  })
})
