import type { Problem } from "./problem.ts"

export interface ExportProgress {
  readonly stage: "services" | "queues" | "notifications"
  /** Records written so far; the total is what the store counted at the start. */
  readonly done: number
  readonly total: number
}

export interface ExportOptions {
  readonly onProgress?: (progress: ExportProgress) => void
  /** Called for what the reference could not read, and was left out or changed therefore. */
  readonly onProblem?: (problem: Problem) => void
  /** Ends the work at the next batch; the promise rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface ExportSummary {
  readonly services: number
  readonly queues: number
  readonly messages: number
  readonly quotaMarkers: number
  readonly notifications: number
  readonly skipped: number
  readonly changed: number
}
