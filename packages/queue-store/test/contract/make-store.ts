import { afterEach, beforeEach } from "vitest"
import type { QueueStore } from "../../src/queue-store.ts"

/** Makes a new, empty store. */
export type MakeStore = () => Promise<QueueStore>

/** A store for each test of the suite, closed after it. To be called inside of `describe`. */
export function freshStore(make: MakeStore): () => QueueStore {
  let store: QueueStore | undefined
  beforeEach(async () => {
    store = await make()
  })
  afterEach(async () => {
    await store?.close()
    store = undefined
  })
  return () => {
    if (store === undefined) throw new Error("no test is running")
    return store
  }
}
