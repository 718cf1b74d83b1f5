import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import type { Server } from "@sluice/encoding/server-address"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { formatFullLink } from "@sluice/short-links/full-link"
import { makeLink } from "@sluice/short-links/make-link"
import { encodeProfile } from "@sluice/short-links/profile"
import { formatShortLink } from "@sluice/short-links/short-link"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"

const c = nativeCrypto
const versions = { min: 2, max: 7 }

/** A one-time invitation that exists at a relay. */
export interface TestInvitation {
  readonly text: string
  readonly linkId: Uint8Array
  readonly linkIdText: string
  readonly senderId: Uint8Array
}

/** Makes an invitation with a profile. */
export async function makeInvitation(connection: SmpConnection, server: Server): Promise<TestInvitation> {
  const corrId = c.randomBytes(24)
  const senderId = senderIdOf(c, corrId)
  const appData = encodeProfile({ displayName: "Alice" })
  const { linkKey, data } = makeLink(
    c,
    c.generateKeyPair("ed25519"),
    { agentVersions: versions, request: requestFor("invitation", server, senderId) },
    { kind: "invitation", agentVersions: versions, appData },
  )
  const { linkId } = await connection.createQueue({ mode: "messaging", subscribe: false, corrId, link: { data } })
  if (linkId === undefined) throw new Error("the relay made no link id")
  const text = formatShortLink({ kind: "invitation", scheme: "https", server, linkId, linkKey })
  return { text, linkId, linkIdText: encodeBase64UrlUnpadded(linkId), senderId }
}

/** A connection request to a queue. */
export function requestFor(kind: "invitation" | "contact", server: Server, senderId: Uint8Array): ConnectionRequest {
  const dhKey = c.generateKeyPair("x25519").publicKey
  const mode = kind === "invitation" ? "messaging" : "contact"
  const request = {
    agentVersions: versions,
    queues: [{ versions: { min: 1, max: 4 }, server, senderId, dhKey, mode }],
  } as const
  if (kind === "contact") return { kind, ...request }
  const keys = [c.generateKeyPair("x448").publicKey, c.generateKeyPair("x448").publicKey] as const
  return { kind, ...request, e2e: { versions: { min: 2, max: 3 }, keys } }
}

/** A link of the older kind, which holds all of its request itself. */
export function fullLink(kind: "invitation" | "contact", server: Server): string {
  return formatFullLink(requestFor(kind, server, c.randomBytes(24)), "https://localhost")
}
