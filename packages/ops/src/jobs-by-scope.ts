import type { JobRunner } from "./jobs.ts"

/** One runner of two: what a fleet does once goes to `fleet`, the rest to `own`. Both may be the same. */
export function jobsByScope(own: JobRunner, fleet: JobRunner): JobRunner {
  const stop = async (): Promise<void> => {
    await own.stop()
    await fleet.stop()
  }
  return {
    add: (job) => (job.scope === "fleet" ? fleet : own).add(job),
    async start() {
      await own.start()
      await fleet.start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
