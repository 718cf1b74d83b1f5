import { AgentError, type PeerError, peerError, prohibited } from "../errors.ts"
import type { SyncState } from "../store/records.ts"
import type { Draft } from "./draft.ts"

/** Whether messages of the user may be sent (ratchet.md §10). */
export function canSend(sync: SyncState): boolean {
  return sync === "ok" || sync === "allowed"
}

/** Throws `AgentError` PROHIBITED while the ratchet is being made anew. */
export function requireSendable({ record }: Draft): void {
  if (!canSend(record.sync)) throw prohibited("ratchet is not synchronized")
}

/** Throws `AgentError` A_QUEUE: queues are not replaced while the ratchet is being made anew. */
export function requireSynchronized({ record }: Draft): void {
  if (!canSend(record.sync)) throw peerError({ type: "A_QUEUE", text: "ratchet is not synchronized" })
}

/** The ratchet could not decrypt something: a new one may help, or must be made. */
export function syncFailed(draft: Draft, advice: "allowed" | "required", error: PeerError): void {
  const { sync } = draft.record
  // Only for the worse; one that is under way already is left alone.
  const worse = sync === "ok" || (sync === "allowed" && advice === "required")
  if (worse) setSync(draft, advice, new AgentError({ code: "AGENT", error }))
}

/** Something was decrypted: the ratchets fit together. While own keys are on their way, it was the old one. */
export function synchronized(draft: Draft): void {
  const { sync } = draft.record
  if (sync !== "ok" && sync !== "started") setSync(draft, "ok")
}

/** Sets the state, and tells the user. */
export function setSync(draft: Draft, state: SyncState, error?: AgentError): void {
  draft.set({ sync: state })
  draft.emit({ type: "ratchet-sync", connectionId: draft.id, state, error })
}
