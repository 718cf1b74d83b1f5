import { StoreError } from "@sluice/queue-store/store-error"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { RelayContext } from "./context.ts"

/** The keys that wrote the blobs which commands want to remove; absent for blobs that do not exist. */
export type BlobKeys = ReadonlyMap<ReceivedCommand, Uint8Array | StoreError>

/** Looks them up for the `CLR` commands of a block; `undefined`, and no work at all, where there are none. */
export async function blobKeysFor(
  relay: RelayContext,
  commands: readonly ReceivedCommand[],
): Promise<BlobKeys | undefined> {
  const { blobs } = relay
  const clears = blobs === undefined ? [] : commands.filter(({ command }) => command.tag === "CLR")
  if (blobs === undefined || clears.length === 0) return undefined
  const keys = new Map<ReceivedCommand, Uint8Array | StoreError>()
  for (const received of clears) {
    try {
      const blob = await blobs.store.readBlob(received.entityId)
      if (blob !== undefined) keys.set(received, blob.key)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      relay.storeFailed(error)
      keys.set(received, error)
    }
  }
  return keys
}
