import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Server } from "@sluice/encoding/server-address"
import type { EntityId, LinkData } from "@sluice/smp-protocol/types"
import { openBlob } from "./blob.ts"
import type { ConnectionRequest } from "./connection-request.ts"
import { LinkError, type LinkPart } from "./errors.ts"
import { decodeFixedData, type FixedLinkData } from "./fixed-data.ts"
import { linkKeyOf, linkSecrets } from "./link-keys.ts"
import { checkOwners, type LinkOwner } from "./owners.ts"
import { sameHostsAndPort } from "./queue-uri.ts"
import type { ShortLink } from "./short-link.ts"
import { readSignedPart, type SignedPart } from "./signed-part.ts"
import { decodeUserData, type UserLinkData } from "./user-data.ts"

/** Link data whose hash and signatures were verified. */
export interface OpenedLink {
  readonly fixed: FixedLinkData
  readonly user: UserLinkData
  /** Who signed the user data: an owner of the list, or `undefined` for the holder of the root key. */
  readonly signedBy: LinkOwner | undefined
}

/** A link that leads where it says. */
export interface ResolvedLink extends OpenedLink {
  /** The connection request, with the server as the link names it (short-links.md §8 step 8). */
  readonly request: ConnectionRequest
}

/** What a server answers when it is asked for link data. */
export interface LinkAnswer {
  /** The sender ID of the queue that the data is attached to. */
  readonly senderId: EntityId
  readonly data: LinkData
}

/** What {@link openLinkData} needs to know of a link. */
export interface LinkDataKeys {
  readonly kind: ShortLink["kind"]
  readonly linkKey: Uint8Array
  readonly blobKey: Uint8Array
}

/**
 * Opens and verifies everything that a server answered for a link, in the order of short-links.md §8 steps 2 to 8.
 * Throws `LinkError` with the code of the first step that failed.
 */
export function resolveLink(c: CryptoBackend, link: ShortLink, answer: LinkAnswer): ResolvedLink {
  const { kind, linkKey } = link
  const opened = openLinkData(c, { kind, linkKey, blobKey: linkSecrets(c, link).blobKey }, answer.data)
  return { ...opened, request: checkAddress(link.server, answer.senderId, opened.fixed.request) }
}

/** Steps 2 to 6: decrypts both blobs, reads them, checks hash, signatures and owners. */
export function openLinkData(c: CryptoBackend, keys: LinkDataKeys, data: LinkData): OpenedLink {
  const fixedBytes = openBlob(c, keys.blobKey, "fixed", data.fixed)
  const userBytes = openBlob(c, keys.blobKey, "user", data.user)
  const signedFixed = decodePart("fixed", () => readSignedPart(fixedBytes))
  const signedUser = decodePart("user", () => readSignedPart(userBytes))
  const fixed = decodePart("fixed", () => decodeFixedOf(keys.kind, signedFixed.data))
  const user = decodePart("user", () => decodeUserData(keys.kind, signedUser.data))

  if (!c.timingSafeEqual(linkKeyOf(c, signedFixed.data), keys.linkKey)) throw new LinkError({ code: "DATA_HASH" })
  if (!c.verify(fixed.rootKey, signedFixed.data, signedFixed.signature)) throw new LinkError({ code: "DATA_SIGNATURE" })
  return { fixed, user, signedBy: signerOf(c, fixed, user, signedUser) }
}

/**
 * Steps 7 and 8: the first queue of the request must be the very queue that the data is attached to, on the link's
 * server. Gives the request with the link's server in it. Throws `LinkError` "OTHER_ADDRESS".
 */
export function checkAddress(server: Server, senderId: EntityId, request: ConnectionRequest): ConnectionRequest {
  const [queue, ...others] = request.queues
  const [host] = server.hosts
  if (host === undefined || !queue.server.hosts.includes(host) || !equalBytes(queue.senderId, senderId)) {
    throw new LinkError({ code: "OTHER_ADDRESS" })
  }
  if (sameHostsAndPort(server, queue.server) && equalBytes(server.keyHash, queue.server.keyHash)) return request
  return { ...request, queues: [{ ...queue, server }, ...others] }
}

/** A request of the other kind than the link is no data of this link. */
function decodeFixedOf(kind: ShortLink["kind"], bytes: Uint8Array): FixedLinkData {
  const fixed = decodeFixedData(bytes)
  if (fixed.request.kind !== kind) throw new DecodeError("fixed data: of another kind of link")
  return fixed
}

function signerOf(
  c: CryptoBackend,
  fixed: FixedLinkData,
  user: UserLinkData,
  signed: SignedPart,
): LinkOwner | undefined {
  const owners = user.kind === "contact" ? user.owners : []
  checkOwners(c, fixed.rootKey, owners)
  if (c.verify(fixed.rootKey, signed.data, signed.signature)) return undefined
  const owner = owners.find((each) => c.verify(each.ownerKey, signed.data, signed.signature))
  if (owner === undefined) throw new LinkError({ code: "USER_DATA_SIGNATURE" })
  return owner
}

function decodePart<T>(part: LinkPart, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) throw new LinkError({ code: "MALFORMED", part })
    throw error
  }
}
