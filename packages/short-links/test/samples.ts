import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress, type Server, type ServerAddress } from "@sluice/encoding/server-address"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import type { ConnectionRequest } from "../src/connection-request.ts"
import { type MadeLink, makeLink } from "../src/make-link.ts"
import type { QueueUri } from "../src/queue-uri.ts"
import type { ContactLink, InvitationLink, ShortLink } from "../src/short-link.ts"
import type { ContactUserData, UserLinkData } from "../src/user-data.ts"

export const AGENT_VERSIONS = { min: 2, max: 7 }

/** A server of the tests. */
export const SERVER: ServerAddress = parseServerAddress(
  "smp://BjbnOy0dfxnmOkhQbZx7mzX8akex7ckc_q83kke-22Q=@smp.example.org,a.example:5223",
)

/** A queue on it. */
export function sampleQueue(c: CryptoBackend, mode: QueueUri["mode"], server: Server = SERVER): QueueUri {
  const { hosts, port, keyHash } = server
  const senderId = senderIdOf(c, c.randomBytes(24))
  const dhKey = c.generateKeyPair("x25519").publicKey
  return { versions: { min: 1, max: 4 }, server: { hosts, port, keyHash }, senderId, dhKey, mode }
}

/** A connection request for a queue on that server. */
export function sampleRequest(
  c: CryptoBackend,
  kind: ConnectionRequest["kind"],
  kem: boolean = false,
): ConnectionRequest {
  const queues = [sampleQueue(c, kind === "contact" ? "contact" : "messaging")] as const
  const agentVersions = AGENT_VERSIONS
  if (kind === "contact") return { kind, agentVersions, queues: [...queues] }
  const keys = [c.generateKeyPair("x448").publicKey, c.generateKeyPair("x448").publicKey] as const
  const kemKey = kem ? c.randomBytes(1158) : undefined
  return { kind, agentVersions, queues: [...queues], e2e: { versions: { min: 2, max: 3 }, keys, kemKey } }
}

/** User data with this text. */
export function sampleUserData(kind: ShortLink["kind"], text: string): UserLinkData {
  if (kind === "invitation") return { kind, agentVersions: AGENT_VERSIONS, appData: utf8(text) }
  return contactUserData(text)
}

export function contactUserData(text: string, more: Partial<ContactUserData> = {}): ContactUserData {
  const agentVersions = AGENT_VERSIONS
  return { kind: "contact", agentVersions, direct: true, owners: [], relays: [], appData: utf8(text), ...more }
}

/** A link as its creator has it. */
export interface SampleLink {
  readonly root: KeyPair<"ed25519">
  readonly made: MadeLink
  readonly link: ShortLink
  readonly senderId: Uint8Array
  readonly request: ConnectionRequest
}

/** A new link with everything that a reader gets from the server. */
export function sampleLink(c: CryptoBackend, kind: ShortLink["kind"], user?: UserLinkData): SampleLink {
  const root = c.generateKeyPair("ed25519")
  const request = sampleRequest(c, kind)
  const made = makeLink(c, root, { agentVersions: AGENT_VERSIONS, request }, user ?? sampleUserData(kind, "hello"))
  const [queue] = request.queues
  return { root, made, link: linkOf(c, made, queue.server), senderId: queue.senderId, request }
}

function linkOf(c: CryptoBackend, { kind, linkKey }: MadeLink, server: Server): ShortLink {
  const contact: ContactLink = { kind: "contact", contactType: "contact", scheme: "https", server, linkKey }
  const linkId = c.randomBytes(24)
  const invitation: InvitationLink = { kind: "invitation", scheme: "https", server, linkId, linkKey }
  return kind === "contact" ? contact : invitation
}
