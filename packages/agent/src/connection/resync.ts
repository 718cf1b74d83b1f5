import { isCompatible } from "@sluice/encoding/version"
import { RatchetError } from "@sluice/ratchet/errors"
import { acceptRatchet, joinRatchet } from "@sluice/ratchet/init"
import { type OwnKeys, proposeKeys, publicParams } from "@sluice/ratchet/keys"
import { ratchetKeyHash, resyncRole } from "@sluice/ratchet/resync"
import type { Ratchet } from "@sluice/ratchet/state"
import { hasKem } from "@sluice/ratchet/versions"
import { AgentError, type PeerError, peerError, prohibited } from "../errors.ts"
import type { AgentEnvelope } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { Draft } from "./draft.ts"
import { isKnown, remember } from "./hashes.ts"
import { enqueue, enqueueRatchetKey } from "./outgoing.ts"
import { setSync } from "./sync-state.ts"

type RatchetKey = Extract<AgentEnvelope, { readonly tag: "RATCHET_KEY" }>

/** The user wants a new ratchet (ratchet.md §10). Throws `AgentError` PROHIBITED where it is not needed. */
export function startSync(draft: Draft, force: boolean): void {
  const { record, env } = draft
  const needed = record.sync === "allowed" || record.sync === "required"
  if (record.sendQueues.length === 0 || record.receiveQueues.length === 0 || record.ratchet === undefined) {
    throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
  }
  if (!force && !needed) throw prohibited("ratchet synchronization is not needed")
  if (record.version < AGENT_VERSION.RATCHET_SYNC) throw prohibited("the peer does not synchronize ratchets")
  const keys = proposeKeys({ crypto: env.crypto, kem: env.kem }, record.pq)
  enqueueRatchetKey(draft, publicParams(keys, env.versions.e2e.max))
  draft.set({ syncKeys: keys })
  setSync(draft, "started")
}

/** The peer sends keys for a new ratchet. Throws `AgentError` AGENT. */
export async function receiveRatchetKey(draft: Draft, { e2e }: RatchetKey): Promise<void> {
  const { env, record } = draft
  const c = { crypto: env.crypto, kem: env.kem }
  if (record.sendQueues.length === 0) throw peerError({ type: "A_PROHIBITED", text: "ratchet key: not duplex" })
  if (!isCompatible(e2e.version, env.versions.e2e)) throw peerError({ type: "A_VERSION" })
  const peerHash = ratchetKeyHash(c, e2e.key1, e2e.key2)
  if (await isKnown(draft, peerHash)) return
  remember(draft, peerHash)
  if (record.sync === "agreed") {
    const error: PeerError = { type: "A_CRYPTO", error: { type: "RATCHET_SYNC" } }
    setSync(draft, "required", new AgentError({ code: "AGENT", error }))
    throw peerError(error)
  }
  const own = ownKeys(draft, e2e.version)
  const sending = resyncRole(ratchetKeyHash(c, own.key1.publicKey, own.key2.publicKey), peerHash) === "sending"
  const versions = { current: e2e.version, max: env.versions.e2e.max }
  const pq = record.pq && hasKem(e2e.version)
  const ratchet = made(() =>
    sending ? joinRatchet(c, own, e2e, versions) : acceptRatchet(c, own, e2e, env.versions.e2e.max, pq),
  )
  // Keys of messages that are still on their way belong to the old ratchet, which is gone.
  draft.set({ ratchet, skipped: [], syncKeys: undefined })
  setSync(draft, "agreed")
  if (sending) enqueue(draft, { tag: "EREADY", lastId: record.lastReceivedId })
}

/** The peer's new ratchet works. One that could not send before this message came says the same. */
export function receiveReady(draft: Draft, before: Ratchet): void {
  if (before.sending === undefined) enqueue(draft, { tag: "EREADY", lastId: draft.record.lastReceivedId })
}

/** Those that were sent, or new ones, which are sent now. */
function ownKeys(draft: Draft, version: number): OwnKeys {
  const { record, env } = draft
  if (record.sync === "started" && record.syncKeys !== undefined) return record.syncKeys
  const keys = proposeKeys({ crypto: env.crypto, kem: env.kem }, record.pq && hasKem(version))
  enqueueRatchetKey(draft, publicParams(keys, version))
  return keys
}

function made(make: () => Ratchet): Ratchet {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RatchetError)) throw error
    throw peerError({ type: "A_CRYPTO", error: { type: "RATCHET_SYNC" } })
  }
}
