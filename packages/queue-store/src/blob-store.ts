import type { QueueStore, Step } from "./queue-store.ts"

/** A blob that belongs to no queue (docs/blob-links.md). */
export interface StoredBlob {
  /** SubjectPublicKeyInfo of the key that wrote it, and that alone may change or remove it. */
  readonly key: Uint8Array
  /** Server time of the last write, seconds. */
  readonly writtenAt: number
  /** Up to 65535 bytes. */
  readonly data: Uint8Array
}

/** What became of a write. */
export type BlobWritten =
  | { readonly ok: true }
  /** `other-key`: the blob is somebody else's. `full`: it would be one more than the limit. Nothing changed. */
  | { readonly ok: false; readonly refusal: "other-key" | "full" }

/**
 * The blobs of a relay that offers them, beside its queues. Every operation is atomic and durable when it settles, like
 * those of the queue store; failures are `StoreError`s. IDs are 32 bytes.
 */
export interface BlobStore {
  /** Makes the blob, or replaces the one that the same key wrote. `limit`: blobs that there may be. */
  writeBlob(id: Uint8Array, blob: StoredBlob, options: { readonly limit: number }): Promise<BlobWritten>
  /** Removes the blob if `key` wrote it; whether it did. */
  clearBlob(id: Uint8Array, key: Uint8Array): Promise<boolean>
  /** The blob in memory of its own. */
  readBlob(id: Uint8Array): Promise<StoredBlob | undefined>
  /** Number of blobs. */
  countBlobs(): Promise<number>
  /**
   * IDs of all blobs, in steps of roughly `limit`. What is there during the whole walk is visited, in Redis perhaps more
   * than once.
   */
  listBlobs(options: { readonly limit: number } & Step): Promise<Step & { readonly ids: Uint8Array[] }>
  /** Removes blobs that were last written before `before` (seconds), in steps of at most `limit` blobs looked at. */
  expireBlobs(
    options: { readonly before: number; readonly limit: number } & Step,
  ): Promise<Step & { readonly expired: number }>
}

/** A queue store that can keep blobs, too. */
export interface BlobHolder {
  readonly blobs: BlobStore
}

/** The blobs of a queue store, if it can keep any. */
export function blobsOf(store: QueueStore & Partial<BlobHolder>): BlobStore | undefined {
  return store.blobs
}
