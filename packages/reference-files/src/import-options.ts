import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { Problem } from "./problem.ts"

/** Messages that a queue of the reference holds; no setting there. */
export const REFERENCE_QUOTA = 128

/** The files that an import reads records from. */
export interface RecordFiles {
  readonly storeLog: string
  readonly messages?: string
  readonly notifications?: string
}

/** Where records go: a store, or nowhere in a dry run. */
export type RecordSink = Pick<QueueStore, "importServices" | "importQueues" | "importNotifications">

/** How far a long piece of work is. Stages follow each other in the order of the type. */
export interface Progress {
  /** The first two and the last count bytes of the file, `queues` counts queues that are written. */
  readonly stage: "store-log" | "messages" | "queues" | "notifications"
  readonly done: number
  readonly total: number
}

export interface ImportOptions {
  /** Messages that a queue may hold; what is beyond is left out. Default 128. */
  readonly quota?: number
  readonly onProgress?: (progress: Progress) => void
  /** Called once for each record that was not taken as it was. */
  readonly onProblem?: (problem: Problem) => void
  /** Ends the work at the next batch; the promise rejects with its reason. */
  readonly signal?: AbortSignal
}

/** What was taken, and how many records were not. */
export interface ImportSummary {
  readonly services: number
  readonly queues: number
  /** Of the queues: with link data, with a notifier. */
  readonly links: number
  readonly notifiers: number
  /** Without quota markers. */
  readonly messages: number
  readonly quotaMarkers: number
  readonly notifications: number
  /** Records left out, and records taken with a change. */
  readonly skipped: number
  readonly changed: number
}
