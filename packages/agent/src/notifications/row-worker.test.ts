import type { Clock, Timer } from "@sluice/ops/clock"
import { describe, expect, it } from "vitest"
import { type Job, RowWorker, type Work } from "./row-worker.ts"

/** A clock that a test moves from one timer to the next. */
class StepClock implements Clock {
  time = 0
  #timers: { at: number; run: () => void }[] = []

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }

  setTimeout(run: () => void, delay: number): Timer {
    const timer = { at: this.time + delay, run }
    this.#timers.push(timer)
    const cancel = (): void => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
    return { cancel, refresh: cancel }
  }

  get waiting(): number {
    return this.#timers.length
  }

  /** Goes on to the first timer, and lets what it starts end. */
  async step(): Promise<void> {
    const [first] = this.#timers.sort((a, b) => a.at - b.at)
    if (first === undefined) throw new Error("nothing waits")
    this.#timers = this.#timers.filter((one) => one !== first)
    this.time = first.at
    first.run()
    await settled()
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function job(n: number, more: Partial<Job<number>> = {}): Job<number> {
  return { id: Uint8Array.of(n), at: 0, fresh: false, row: n, ...more }
}

function worker(clock: Clock, work: Partial<Work<number>>): RowWorker<number> {
  return new RowWorker<number>(clock, {
    jobs: () => [],
    run: async () => [],
    idOf: (n) => Uint8Array.of(n),
    crashed: () => undefined,
    ...work,
  })
}

describe("a worker", () => {
  it("tries again what failed for now, every 2 s, and after 10 s less and less often", async () => {
    const clock = new StepClock()
    const times: number[] = []
    const run = async (rows: readonly number[]): Promise<readonly number[]> => {
      times.push(clock.time / 1000)
      return rows
    }
    worker(clock, { jobs: () => [job(1)], run }).wake()
    await settled()
    while (times.length < 20) await clock.step()
    expect(times.slice(0, 9)).toEqual([0, 2, 4, 6, 8, 10, 13, 17.5, 24.25])
    expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBe(180)
  })

  it("lets what failed wait for itself alone, and ends the wait of what was set anew", async () => {
    const clock = new StepClock()
    const runs: (readonly number[])[] = []
    let jobs = [job(1), job(2)]
    const one = worker(clock, {
      jobs: () => jobs,
      run: async (rows) => {
        runs.push(rows)
        jobs = jobs.filter(({ row }) => row === 1).map(({ row }) => job(row))
        return rows.filter((row) => row === 1)
      },
    })
    one.wake()
    await settled()
    jobs = [...jobs, job(3)]
    one.wake()
    await settled()
    jobs = [job(1, { fresh: true })]
    one.wake()
    await settled()
    expect(runs.slice(0, 3)).toEqual([[1, 2], [3], [1]])
  })

  it("takes 150 at a time, the oldest first, and waits for what is for later", async () => {
    const clock = new StepClock()
    clock.time = 1000
    const left = new Map(Array.from({ length: 200 }, (_, n) => [n, job(n, { at: 200 - n })]))
    left.set(250, job(250, { at: 5000 }))
    const runs: (readonly number[])[] = []
    const one = worker(clock, {
      jobs: () => left.values(),
      run: async (rows) => {
        runs.push(rows)
        for (const row of rows) left.delete(row)
        return []
      },
    })
    one.wake()
    await settled()
    expect(runs.map(({ length }) => length)).toEqual([150, 50])
    expect(runs[0]?.slice(0, 2)).toEqual([199, 198])
    await clock.step()
    expect([clock.time, runs.at(-1)]).toEqual([5000, [250]])
    expect(clock.waiting).toBe(0)
  })

  it("gives up after 5 failures that nobody foresaw, and says so", async () => {
    let runs = 0
    const said: unknown[] = []
    const defect = new Error("a defect")
    const run = (): Promise<readonly number[]> => {
      runs++
      return Promise.reject(defect)
    }
    worker(new StepClock(), { jobs: () => [job(1)], run, crashed: (error) => said.push(error) }).wake()
    await settled()
    expect([runs, said]).toEqual([5, [defect]])
  })

  it("does nothing more once it is stopped, until it is resumed", async () => {
    const clock = new StepClock()
    let runs = 0
    const one = worker(clock, {
      jobs: () => (runs < 2 ? [job(1)] : []),
      run: async () => {
        runs++
        return []
      },
    })
    await one.stop()
    one.wake()
    await settled()
    expect(runs).toBe(0)
    one.resume()
    await settled()
    expect(runs).toBe(2)
  })
})
