import { ManualClock } from "@sluice/ops/manual-clock"
import { expect, it, vi } from "vitest"
import { NO_DEADLINE, within } from "./deadline.ts"

const never = new Promise<void>(() => undefined)

it("waits for a step that ends in time, and passes on what it fails with", async () => {
  const clock = new ManualClock()
  await within(clock, NO_DEADLINE, Promise.resolve())
  await expect(within(clock, NO_DEADLINE, Promise.reject(new Error("defect")))).rejects.toThrow("defect")
  await within(clock, AbortSignal.abort(), Promise.resolve())
})

it("gives a step that hangs half a second after the deadline", async () => {
  const clock = new ManualClock()
  const deadline = new AbortController()
  const ended = vi.fn()
  const waiting = within(clock, deadline.signal, never).then(ended)
  await clock.advanceAsync(60_000)
  expect(ended).not.toHaveBeenCalled()
  deadline.abort()
  await clock.advanceAsync(499)
  expect(ended).not.toHaveBeenCalled()
  await clock.advanceAsync(1)
  await waiting
})
