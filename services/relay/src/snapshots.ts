import { stat } from "node:fs/promises"
import { join } from "node:path"
import { ensureFolder } from "@sluice/ops/atomic-file"
import type { LmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"

/** A folder's name and nothing else: no way out of the backup folder, and no file that is being written there. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

export type SnapshotResult =
  | { readonly result: "written"; readonly folder: string; readonly ms: number }
  | { readonly result: "not-embedded" | "bad-name" | "exists" | "busy" }

export interface SnapshotOptions {
  /** The embedded store, if the relay's is one. */
  readonly store: Pick<LmdbStore, "snapshot"> | undefined
  /** The one folder below which copies are made. */
  readonly folder: string
  /** Milliseconds. */
  readonly now: () => number
}

/** Copies of the embedded store, made while it serves. One at a time: each reads the whole file. */
export class Snapshots {
  readonly #options: SnapshotOptions
  #running = false

  constructor(options: SnapshotOptions) {
    this.#options = options
  }

  /**
   * Copies the store to a new folder below the configured one. Without a name, the folder is named after the time.
   * Rejects with `StoreError` or `OperatorError` when that fails.
   */
  async take(name: string = timeName(this.#options.now())): Promise<SnapshotResult> {
    const { store, folder, now } = this.#options
    if (store === undefined) return { result: "not-embedded" }
    if (!NAME.test(name)) return { result: "bad-name" }
    if (this.#running) return { result: "busy" }
    this.#running = true
    try {
      const target = join(folder, name)
      await ensureFolder(folder)
      if (await exists(target)) return { result: "exists" }
      const begun = now()
      await store.snapshot(target)
      return { result: "written", folder: target, ms: now() - begun }
    } finally {
      this.#running = false
    }
  }
}

/** `2025-06-30T12-34-56Z` */
function timeName(now: number): string {
  return new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "-")
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
