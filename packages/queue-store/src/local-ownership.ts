import { idKey } from "@sluice/encoding/bytes"
import type { Participant } from "./engine.ts"
import type { Ownership } from "./ownership.ts"
import type { Owner } from "./queue-store.ts"

/** One counter for all stores of the process: epochs grow, whatever is closed and opened, without a number per queue. */
let lastEpoch = 0

/**
 * Ownership in the memory of this process: about 200 bytes per live subscription, nothing for other queues. Keeps a
 * record of what the operations under way changed, so that a failed commit leaves the subscriptions as they were.
 */
export class LocalOwnership implements Ownership, Participant {
  readonly #owners = new Map<string, Owner>()
  #undo: { readonly key: string; readonly previous: Owner | undefined }[] = []

  /** Number of live subscriptions. */
  get size(): number {
    return this.#owners.size
  }

  take(recipientId: Uint8Array, node: string): { readonly owner: Owner; readonly previous: Owner | undefined } {
    const key = idKey(recipientId)
    const previous = this.#owners.get(key)
    const owner: Owner = { node, epoch: ++lastEpoch }
    this.#undo.push({ key, previous })
    this.#owners.set(key, owner)
    return { owner, previous }
  }

  current(recipientId: Uint8Array): Owner | undefined {
    return this.#owners.get(idKey(recipientId))
  }

  holds(recipientId: Uint8Array, owner: Owner): boolean {
    const current = this.current(recipientId)
    return current !== undefined && current.epoch === owner.epoch && current.node === owner.node
  }

  drop(recipientId: Uint8Array): Owner | undefined {
    const key = idKey(recipientId)
    const previous = this.#owners.get(key)
    if (previous === undefined) return undefined
    this.#undo.push({ key, previous })
    this.#owners.delete(key)
    return previous
  }

  begin(): void {
    this.#undo = []
  }

  commit(): void {
    this.#undo = []
  }

  abort(): void {
    for (const { key, previous } of this.#undo.reverse()) {
      if (previous === undefined) this.#owners.delete(key)
      else this.#owners.set(key, previous)
    }
    this.#undo = []
  }
}
