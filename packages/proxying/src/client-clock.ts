import type { Clock } from "@sluice/ops/clock"
import type { Clock as ClientClock } from "@sluice/smp-client/clock"

/** The clock of a program in the form that the SMP client takes. */
export function clientClock(clock: Clock): ClientClock {
  return {
    now: () => clock.monotonic(),
    unixSeconds: () => Math.floor(clock.now() / 1000),
    after(ms, run) {
      const timer = clock.setTimeout(run, ms)
      return () => timer.cancel()
    },
  }
}
