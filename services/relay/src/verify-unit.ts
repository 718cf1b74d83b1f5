import { type AuthKey, decodePublicKey, keyForPlace } from "@sluice/crypto/keys"
import { equalBytes } from "@sluice/encoding/bytes"
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
import type { Request } from "./request.ts"

/** Who sends the commands: a connection, or the sender behind a proxy (proxy.md §6), who has no service. */
export interface Authority {
  readonly verifier: Verifier
  readonly service?: ConnectedService | undefined
  /** Awaited between the parts of a long block. */
  turn?(): Promise<void>
}

/** What became of one command. */
export type Verdict =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly error: SmpError }

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
    verdicts.push(verdictOn(authority, received, queues[index], blobKeys?.get(received)))
  }
  return verdicts
}

function verdictOn(
  authority: Authority,
  received: ReceivedCommand,
  queue: Found,
  blobKey: Uint8Array | StoreError | undefined,
): Verdict {
  if (queue instanceof StoreError) return { ok: false, error: storeError(queue) }
  if (blobKey instanceof StoreError) return { ok: false, error: storeError(blobKey) }
  const error = verify(authority, received, queue, blobKey)
  if (error !== undefined) return { ok: false, error }
  const { corrId, entityId, command } = received
  return { ok: true, request: { corrId, entityId, command, queue, blobKey } }
}

/** How a failure of the storage is told: by the name of the operation, never by what it was about. */
export function storeError(error: StoreError): SmpError {
  return { type: "STORE", text: error.problem.operation }
}

type Found = QueueRecord | StoreError | undefined

/** Several commands of one party are looked up in one request; otherwise each on its own. */
async function lookUp(relay: RelayContext, commands: readonly ReceivedCommand[]): Promise<Found[]> {
  const failed = (error: unknown): StoreError => asStoreError(relay, error)
  const [first] = commands
  const party = first && specOf(first.command.tag).party
  const together =
    commands.length > 1 &&
    (party === "recipient" || party === "notifier") &&
    commands.every(({ command }) => specOf(command.tag).party === party)
  if (!together) return Promise.all(commands.map((received) => lookUpOne(relay, received).catch(failed)))
  const ids = commands.map(({ entityId }) => entityId)
  try {
    return await (party === "recipient" ? relay.store.queuesByRecipient(ids) : relay.store.queuesByNotifier(ids))
  } catch (error) {
    const failure = failed(error)
    return commands.map(() => failure)
  }
}

/** A failed look-up answers its commands; like any failure of the store it is logged, and readiness shows it. */
function asStoreError(relay: RelayContext, error: unknown): StoreError {
  if (!(error instanceof StoreError)) throw error
  relay.storeFailed(error)
  return error
}

const NOTHING: Promise<undefined> = Promise.resolve(undefined)

function lookUpOne(relay: RelayContext, { command, entityId }: ReceivedCommand): Promise<QueueRecord | undefined> {
  const { store } = relay
  switch (specOf(command.tag).party) {
    case "recipient":
      return store.queueByRecipient(entityId)
    case "sender":
      return store.queueBySender(entityId)
    case "link":
      return store.queueByLink(entityId)
    case "notifier":
      return store.queueByNotifier(entityId)
    default:
      return NOTHING
  }
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
