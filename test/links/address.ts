import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { sealBlob } from "@sluice/short-links/blob"
import type { ContactRequest } from "@sluice/short-links/connection-request"
import { encodeFixedData } from "@sluice/short-links/fixed-data"
import { contactSecrets, linkKeyOf } from "@sluice/short-links/link-keys"
import type { LinkOwner } from "@sluice/short-links/owners"
import { encodeProfile, type LinkProfile } from "@sluice/short-links/profile"
import type { ContactLink, ContactType } from "@sluice/short-links/short-link"
import { signPart } from "@sluice/short-links/signed-part"
import { encodeUserData } from "@sluice/short-links/user-data"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import type { LinkData } from "@sluice/smp-protocol/types"

const c = nativeCrypto

/** Everything that goes into the data of an address, each part of which a test may replace by something wrong. */
export interface AddressParts {
  readonly server: Server
  readonly profile: LinkProfile
  readonly root: KeyPair<"ed25519">
  /** Signs the fixed data; normally the root. */
  readonly fixedSigner: KeyPair<"ed25519">
  /** Signs the user data; normally the root. */
  readonly userSigner: KeyPair<"ed25519">
  readonly owners: readonly LinkOwner[]
  readonly direct: boolean
  /** App data in place of the profile's. */
  readonly appData?: Uint8Array
  /** Hosts and sender ID that the connection request leads to; normally the link's own. */
  readonly leadsTo?: { readonly server?: Server; readonly senderId?: Uint8Array }
  /** Changes the encoded fixed data after the link key was computed from it. */
  readonly changeFixed?: (bytes: Uint8Array) => Uint8Array
  /** Changes the signed user data before it is sealed. */
  readonly changeUser?: (bytes: Uint8Array) => Uint8Array
  /** Changes the sealed blobs. */
  readonly changeBlobs?: (data: LinkData) => LinkData
  /** Seals with another key than the link's. */
  readonly blobKey?: Uint8Array
}

/** A contact address that exists at a relay. */
export interface TestAddress {
  readonly link: ContactLink
  readonly queue: CreatedQueue
  readonly parts: AddressParts
  readonly linkId: Uint8Array
  readonly fixed: Uint8Array
}

/** Makes an address at a relay, well-formed but for what `changes` says. */
export async function makeAddress(
  connection: SmpConnection,
  server: Server,
  changes: Partial<AddressParts> & { readonly contactType?: ContactType } = {},
): Promise<TestAddress> {
  const root = c.generateKeyPair("ed25519")
  const { contactType = "contact", ...given } = changes
  const profile = { displayName: "Alice", message: "Hello! Write to me about the garden." }
  const parts: AddressParts = {
    ...{ server, profile, root, fixedSigner: root, userSigner: root, owners: [], direct: true },
    ...given,
  }
  const corrId = c.randomBytes(24)
  const fixed = fixedData(parts, senderIdOf(c, corrId))
  const linkKey = linkKeyOf(c, fixed)
  const { linkId, blobKey } = contactSecrets(c, linkKey)
  const signed = signPart(c, parts.fixedSigner.privateKey, parts.changeFixed?.(fixed) ?? fixed)
  const sealed = {
    fixed: sealBlob(c, parts.blobKey ?? blobKey, "fixed", signed),
    user: userBlob(parts, blobKey),
  }
  const data = parts.changeBlobs?.(sealed) ?? sealed
  const link: ContactLink = { kind: "contact", contactType, scheme: "https", server, linkKey }
  const queue = await connection.createQueue({ mode: "contact", subscribe: false, corrId, link: { data, linkId } })
  return { link, queue, parts, linkId, fixed: data.fixed }
}

/** Replaces the profile behind an address; the link stays the same. */
export async function updateAddress(
  connection: SmpConnection,
  address: TestAddress,
  profile: LinkProfile,
): Promise<void> {
  const { blobKey } = contactSecrets(c, address.link.linkKey)
  const user = userBlob({ ...address.parts, profile }, blobKey)
  await connection.setLink(address.queue, address.linkId, { fixed: address.fixed, user })
}

function fixedData({ server, root, leadsTo }: AddressParts, senderId: Uint8Array): Uint8Array {
  const request: ContactRequest = {
    kind: "contact",
    agentVersions: { min: 2, max: 7 },
    queues: [
      {
        versions: { min: 1, max: 4 },
        server: leadsTo?.server ?? server,
        senderId: leadsTo?.senderId ?? senderId,
        dhKey: c.generateKeyPair("x25519").publicKey,
      },
    ],
  }
  return encodeFixedData({ agentVersions: { min: 2, max: 7 }, rootKey: root.publicKey, request })
}

function userBlob(parts: AddressParts, linkBlobKey: Uint8Array): Uint8Array {
  const { owners, direct, userSigner, profile } = parts
  const appData = parts.appData ?? encodeProfile(profile)
  const user = encodeUserData({
    kind: "contact",
    agentVersions: { min: 2, max: 7 },
    direct,
    owners,
    relays: [],
    appData,
  })
  const signed = signPart(c, userSigner.privateKey, user)
  return sealBlob(c, parts.blobKey ?? linkBlobKey, "user", parts.changeUser?.(signed) ?? signed)
}
