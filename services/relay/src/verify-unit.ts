import { type AuthKey, decodePublicKey, keyForPlace } from "@sluice/crypto/keys"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import type { Recalled } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import { StoreError } from "@sluice/queue-store/store-error"
import { SHORT_UNIT } from "@sluice/server-kit/session-handler"
import {
  type Verifier,
  verifyAuthorization,
  verifyDummy,
  verifyServiceSignature,
} from "@sluice/smp-protocol/authorization"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { specOf } from "@sluice/smp-protocol/commands"
import { commandError, type SmpError } from "@sluice/smp-protocol/errors"
import type { Party } from "@sluice/smp-protocol/types"
import type { ConnectedService } from "@sluice/transport/session"
import { blobKeysFor } from "./blob-keys.ts"
import type { RelayContext } from "./context.ts"
import { type Found, isRecalled, lookUp, lookUpAnew, NOT_FOUND, storeError } from "./found-queue.ts"
import type { Basis, Verdict } from "./request.ts"

/** Who sends the commands: a connection, or the sender behind a proxy (proxy.md §6), who has no service. */
export interface Authority {
  readonly verifier: Verifier
  readonly service?: ConnectedService | undefined
  /** Awaited between the parts of a long block. */
  turn?(): Promise<void>
}

const AUTH: SmpError = { type: "AUTH" }
const SERVICE: SmpError = { type: "SERVICE" }

/**
 * Decides about the commands of one block, before any of them is executed (smp.md §3.2). In this order: does the queue
 * exist, is the role right, the service signature, the command's own authorization, and only then whether the queue is
 * blocked. Whatever is refused with AUTH has cost one verification of the kind of authorization that came.
 * A long block is verified in parts, with turns of others between them.
 */
export async function verifyUnit(
  relay: RelayContext,
  authority: Authority,
  commands: readonly ReceivedCommand[],
): Promise<Verdict[]> {
  const queues = await lookUp(relay, commands)
  const blobKeys = await blobKeysFor(relay, commands)
  const verdicts: Verdict[] = []
  for (const received of commands) {
    const index = verdicts.length
    if (index > 0 && index % SHORT_UNIT === 0) await authority.turn?.()
    const found = queues[index] ?? NOT_FOUND
    verdicts.push(
      isRecalled(found)
        ? await verdictOnRecalled(relay, authority, received, found)
        : verdictOn(authority, received, found, blobKeys?.get(received)),
    )
  }
  return verdicts
}

function verdictOn(
  authority: Authority,
  received: ReceivedCommand,
  found: Found,
  blobKey?: Uint8Array | StoreError,
  basis?: Basis,
): Verdict {
  if (found instanceof StoreError) return { ok: false, error: storeError(found) }
  if (blobKey instanceof StoreError) return { ok: false, error: storeError(blobKey) }
  const { queue } = found
  const error = verify(authority, received, queue, blobKey)
  if (error !== undefined) return { ok: false, error }
  const { corrId, entityId, command } = received
  return { ok: true, request: { corrId, entityId, command, queue, blobKey, basis } }
}

/**
 * What a remembered record allows, the operation confirms; what it refuses is decided by the record as it is now. That is
 * one look-up in Redis and one verification, as many as for a queue that does not exist.
 */
async function verdictOnRecalled(
  relay: RelayContext,
  authority: Authority,
  received: ReceivedCommand,
  found: Recalled,
): Promise<Verdict> {
  const again = async (): Promise<Verdict> => verdictOn(authority, received, await lookUpAnew(relay, received))
  const { revision, remembered, queue } = found
  const verdict = verdictOn(
    authority,
    received,
    found,
    undefined,
    revision === undefined ? undefined : { revision, again },
  )
  if (verdict.ok || !remembered) return verdict
  const now = await lookUpAnew(relay, received)
  if (now instanceof StoreError || verdict.error.type !== "AUTH") return verdictOn(authority, received, now)
  // The same keys, or none any more, refuse again; to find that out a second time would tell that the queue is known here.
  return now.queue === undefined || sameKeys(now.queue, queue) ? verdict : verdictOn(authority, received, now)
}

/** Whether the two are the same to {@link verify} for SEND and ACK. */
function sameKeys(a: QueueRecord, b: QueueRecord | undefined): boolean {
  if (b === undefined) return false
  const keys = ({ senderKey = EMPTY, recipientKeys }: QueueRecord): Uint8Array[] => [senderKey, ...recipientKeys]
  const others = keys(b)
  const own = keys(a)
  return own.length === others.length && own.every((key, index) => equalBytes(key, others[index] ?? EMPTY))
}

const QUEUE_PARTIES: ReadonlySet<Party> = new Set(["recipient", "sender", "link", "notifier"])

function verify(
  authority: Authority,
  received: ReceivedCommand,
  queue: QueueRecord | undefined,
  blobKey: Uint8Array | undefined,
): SmpError | undefined {
  const { command } = received
  const spec = specOf(command.tag)
  if (queue === undefined && QUEUE_PARTIES.has(spec.party)) return dummy(authority, received)
  const { service } = authority
  if (service !== undefined && spec.role !== "any" && spec.role !== service.role) return commandError("PROHIBITED")
  if (!serviceSignatureFits(authority, received, spec.serviceSigned)) return SERVICE
  return authorized(authority, received, queue, blobKey) ?? (queue && blockedError(received, queue))
}

/** Needed in a service connection for NEW, SUB and NSUB, and out of place everywhere else (smp.md §3.2). */
function serviceSignatureFits({ verifier, service }: Authority, received: ReceivedCommand, signed: boolean): boolean {
  const { serviceSignature } = received
  if (service === undefined || !signed) return serviceSignature === undefined
  if (serviceSignature === undefined) return false
  return verifyServiceSignature(verifier.crypto, service.sessionKey, received.signed.bytes(), serviceSignature)
}

function authorized(
  authority: Authority,
  received: ReceivedCommand,
  queue: QueueRecord | undefined,
  blobKey: Uint8Array | undefined,
): SmpError | undefined {
  const { command } = received
  switch (command.tag) {
    case "NEW":
      return withKeys(authority, received, [command.recipientKey], true)
    case "SUB":
      return withKeys(authority, received, keysOf(queue?.recipientKeys), true)
    case "KEY":
    case "RKEY":
    case "LSET":
    case "LDEL":
    case "NKEY":
    case "NDEL":
    case "GET":
    case "ACK":
    case "OFF":
    case "DEL":
    case "QUE":
      return withKeys(authority, received, keysOf(queue?.recipientKeys))
    case "SKEY":
    case "LKEY":
      return withKeys(
        authority,
        received,
        queue && mayBeSecuredWith(queue, command.senderKey) ? [command.senderKey] : [],
      )
    case "SEND":
      return sender(authority, received, queue)
    case "LGET":
      return queue !== undefined && mayReadLink(queue) ? undefined : AUTH
    case "NSUB":
      return withKeys(authority, received, keysOf(queue?.notifier && [queue.notifier.key]), true)
    case "SUBS":
    case "NSUBS":
      return ofService(authority, received)
    case "WRT":
      return withKeys(authority, received, [command.key])
    case "CLR":
      return withKeys(authority, received, keysOf(blobKey && [blobKey]))
    case "READ":
    case "PING":
    case "PRXY":
    case "PFWD":
    case "RFWD":
    case "RSLV":
      return undefined
    default:
      return command satisfies never
  }
}

/** `coSigned`: in a service connection the service's fingerprint is under the authorization too (smp.md §3.1). */
function withKeys(
  { verifier, service }: Authority,
  { authorization, signed, corrId }: ReceivedCommand,
  keys: readonly AuthKey[],
  coSigned = false,
): SmpError | undefined {
  const message = coSigned && service !== undefined ? signed.withFingerprint(service.fingerprint) : signed.bytes()
  return verifyAuthorization(verifier, keys, authorization, message, corrId) ? undefined : AUTH
}

function dummy({ verifier }: Authority, { authorization, signed, corrId }: ReceivedCommand): SmpError {
  verifyDummy(verifier, authorization, signed.bytes(), corrId)
  return AUTH
}

/** An unsecured queue takes only unauthorized messages, a secured one only those of its key (smp.md §2.6). */
function sender(authority: Authority, received: ReceivedCommand, queue: QueueRecord | undefined): SmpError | undefined {
  if (queue?.senderKey !== undefined) return withKeys(authority, received, keysOf([queue.senderKey]))
  // A key that doesn't exist costs what a wrong one costs, though the reference answers at once here.
  return received.authorization.length === 0 ? undefined : dummy(authority, received)
}

/** `SUBS` and `NSUBS` are authorized by the session key of the service that the entity names. */
function ofService({ verifier, service }: Authority, received: ReceivedCommand): SmpError | undefined {
  if (service === undefined || !equalBytes(received.entityId, service.serviceId)) return SERVICE
  const { crypto } = verifier
  return verifyServiceSignature(crypto, service.sessionKey, received.signed.bytes(), received.authorization)
    ? undefined
    : SERVICE
}

/** A sender may secure a messaging queue that nobody secured, or that it secured itself (smp.md §2.2). */
function mayBeSecuredWith(queue: QueueRecord, key: AuthKey): boolean {
  if (queue.queueMode !== "messaging") return false
  if (queue.senderKey === undefined) return true
  const [own] = keysOf([queue.senderKey])
  return own !== undefined && own.algorithm === key.algorithm && equalBytes(own.raw, key.raw)
}

/** `LGET` is for contact addresses; a queue without mode serves it while it is not secured (smp.md §1). */
function mayReadLink(queue: QueueRecord): boolean {
  return queue.queueMode === "contact" || (queue.queueMode === undefined && queue.senderKey === undefined)
}

function keysOf(keys: readonly Uint8Array[] | undefined): AuthKey[] {
  return (keys ?? []).map((der) => keyForPlace(decodePublicKey(der), "auth"))
}

/** Commands that a blocked queue still takes (smp.md §7). */
const UNBLOCKED: ReadonlySet<string> = new Set(["OFF", "DEL", "NSUB"])

function blockedError({ command }: ReceivedCommand, { status }: QueueRecord): SmpError | undefined {
  if (status.tag !== "blocked" || UNBLOCKED.has(command.tag)) return undefined
  // SEND tells of its size before the block, and its handler asks the store anyway.
  return command.tag === "SEND" ? undefined : { type: "BLOCKED", ...status.info }
}
