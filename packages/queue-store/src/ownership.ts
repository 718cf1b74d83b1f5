import type { Owner } from "./queue-store.ts"

/**
 * Who is subscribed to which queue. It is apart from the tables because it lives and dies with the processes of the
 * subscribers, not with the data: a restart ends all subscriptions.
 */
export interface Ownership {
  /** Gives the queue to a node under a new, greater epoch. */
  take(recipientId: Uint8Array, node: string): { readonly owner: Owner; readonly previous: Owner | undefined }
  current(recipientId: Uint8Array): Owner | undefined
  /** Whether this very subscription holds. */
  holds(recipientId: Uint8Array, owner: Owner): boolean
  /** Ends whatever subscription there is, and tells which. */
  drop(recipientId: Uint8Array): Owner | undefined
}
