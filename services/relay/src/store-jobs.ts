import type { Job } from "@sluice/ops/jobs"
import { sweepJob } from "./expiry.ts"
import type { OpenStore } from "./open-store.ts"

/** Pages of the store that were touched count as memory of the process until it gives them back. */
const TRIM_EVERY = 3_600_000

/** The periodic work that a store needs of its relay. */
export function storeJobs({ lmdb, shared = false, jobs = [] }: OpenStore): readonly Job[] {
  if (lmdb === undefined) return jobs
  const trim: Job = { name: "trim-store", every: TRIM_EVERY, run: () => lmdb.trim() }
  return [...jobs, ...(shared ? [sweepJob(lmdb)] : []), trim]
}
