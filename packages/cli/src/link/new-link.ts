import { compress } from "@sluice/chat/compression"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { type MadeLink, makeLink } from "@sluice/short-links/make-link"
import { encodeProfile, type LinkProfile } from "@sluice/short-links/profile"
import type { QueueUri } from "@sluice/short-links/queue-uri"
import type { ShortLink } from "@sluice/short-links/short-link"
import type { UserLinkData } from "@sluice/short-links/user-data"
import { AGENT_RANGE, E2E_RANGE } from "@sluice/short-links/versions"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"
import { CommandFailure } from "../failure.ts"
import type { OwnerState } from "./owner-state.ts"
import type { RatchetKeys } from "./queue-part.ts"

type Kind = ShortLink["kind"]

/** A link that is ready to be created: all of it is known before the relay is asked (short-links.md §6). */
export interface LinkPlan {
  /** The nonce that the queue's sender ID follows from. */
  readonly corrId: Uint8Array
  readonly made: MadeLink
  readonly request: ConnectionRequest
  readonly rootKeys: KeyPair<"ed25519">
  readonly e2eKeys: KeyPair<"x25519">
  readonly ratchetKeys: RatchetKeys | undefined
  readonly profile: LinkProfile
}

/** Makes keys, request and sealed data. Throws `LinkError` "TOO_LARGE". */
export function planLink(c: CryptoBackend, kind: Kind, server: Server, profile: LinkProfile): LinkPlan {
  const corrId = c.randomBytes(ID_LENGTH)
  const e2eKeys = c.generateKeyPair("x25519")
  const queue: QueueUri = {
    versions: CLIENT_LAYER_RANGE,
    server: { hosts: server.hosts, port: server.port, keyHash: server.keyHash },
    senderId: senderIdOf(c, corrId),
    dhKey: e2eKeys.publicKey,
    mode: kind === "contact" ? "contact" : "messaging",
  }
  const { request, ratchetKeys } = requestOf(c, kind, queue)
  const rootKeys = c.generateKeyPair("ed25519")
  const made = makeLink(c, rootKeys, { agentVersions: AGENT_RANGE, request }, userDataOf(kind, profile))
  return { corrId, made, request, rootKeys, e2eKeys, ratchetKeys, profile }
}

/** The user data that shows a profile. */
export function userDataOf(kind: Kind, profile: LinkProfile): UserLinkData {
  const common = { agentVersions: AGENT_RANGE, appData: encodeProfile(profile, compress) }
  return kind === "invitation" ? { kind, ...common } : { kind, ...common, direct: true, owners: [], relays: [] }
}

/** Creates the queue with the link on the relay, checks its answer, and gives what the owner has to keep. */
export async function createPlanned(relay: SmpCommands, plan: LinkPlan): Promise<OwnerState> {
  const { made, corrId, request, rootKeys, e2eKeys, ratchetKeys, profile } = plan
  const [{ server, mode }] = request.queues
  const link = { data: made.data, linkId: made.linkId }
  const queue = await relay.createQueue({ mode, subscribe: false, link, corrId })
  const linkId = checkedLinkId(plan, queue)
  const { linkKey, kind } = made
  const common = { scheme: "https", server, linkKey } as const
  return {
    link: kind === "contact" ? { kind, contactType: "contact", ...common } : { kind, linkId, ...common },
    linkId,
    request,
    profile,
    recipientId: queue.recipientId,
    recipientKey: queue.recipientKey,
    dhSecret: queue.dhSecret,
    e2eKeys,
    rootKeys,
    fixedBlob: made.data.fixed,
    ratchetKeys,
  }
}

/** The relay has to take the IDs that the data was made for (short-links.md §6 step 4). */
function checkedLinkId({ made, request }: LinkPlan, queue: CreatedQueue): Uint8Array {
  const [{ senderId }] = request.queues
  if (!equalBytes(queue.senderId, senderId))
    throw new CommandFailure("the server made the queue with another sender ID")
  if (queue.linkId === undefined) throw new CommandFailure("the server made the queue without the link")
  if (made.linkId !== undefined && !equalBytes(queue.linkId, made.linkId)) {
    throw new CommandFailure("the server made the queue with another link ID")
  }
  return queue.linkId
}

/** The connection request for a queue, with the private halves of its keys. */
export function requestOf(
  c: CryptoBackend,
  kind: Kind,
  queue: QueueUri,
): { request: ConnectionRequest; ratchetKeys: RatchetKeys | undefined } {
  const common = { agentVersions: AGENT_RANGE, queues: [queue] as const }
  if (kind === "contact") return { request: { kind, ...common, queues: [queue] }, ratchetKeys: undefined }
  const first = c.generateKeyPair("x448")
  const second = c.generateKeyPair("x448")
  const e2e = { versions: E2E_RANGE, keys: [first.publicKey, second.publicKey] as const }
  return { request: { kind, ...common, queues: [queue], e2e }, ratchetKeys: [first.privateKey, second.privateKey] }
}
