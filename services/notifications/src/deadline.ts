import { type Clock, sleep } from "@sluice/ops/clock"

/** Never aborts. */
export const NO_DEADLINE: AbortSignal = new AbortController().signal

/** Time for what is done in any case after a deadline, ms. Two steps of it fit into what a process is given then. */
const LAST = 500

/** Waits for a step of an end, but after the deadline only half a second more. What the step still does goes unseen. */
export async function within(clock: Clock, deadline: AbortSignal, step: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const late = aborted(deadline, over.signal).then(() => sleep(clock, LAST, over.signal))
  // It is rejected by its own end, and after the deadline nobody looks at the step.
  late.catch(() => undefined)
  step.catch(() => undefined)
  try {
    await Promise.race([step, late])
  } finally {
    over.abort()
  }
}

/** Resolves when the signal aborts; `over` ends the waiting. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true, signal: over })
  })
}
