import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalPublicKeys, type KeyPair, type PrivateKey } from "@sluice/crypto/keys"
import type { LinkData } from "@sluice/smp-protocol/types"
import { sealBlob } from "./blob.ts"
import { LinkError } from "./errors.ts"
import { encodeFixedData, type FixedLinkData } from "./fixed-data.ts"
import { contactSecrets, invitationBlobKey, linkKeyOf } from "./link-keys.ts"
import { checkOwners } from "./owners.ts"
import type { ShortLink } from "./short-link.ts"
import { signPart } from "./signed-part.ts"
import { encodeUserData, type UserLinkData } from "./user-data.ts"

/** A new link's key and data. */
export interface MadeLink {
  readonly kind: ShortLink["kind"]
  /** 32 bytes, the secret of the link. */
  readonly linkKey: Uint8Array
  /** 24 bytes for a contact address; `undefined` for an invitation, whose ID the server makes. */
  readonly linkId: Uint8Array | undefined
  /** Both blobs for the server. The fixed one has to be kept: an update sends it again, unchanged. */
  readonly data: LinkData
}

/**
 * Makes the key and the data of a new link (short-links.md §6). Both parts are signed with the root key, whose public
 * half goes into the fixed data. Throws `LinkError` "TOO_LARGE", "OTHER_KIND", or what is wrong with the owners.
 */
export function makeLink(
  c: CryptoBackend,
  root: KeyPair<"ed25519">,
  fixed: Omit<FixedLinkData, "rootKey">,
  user: UserLinkData,
): MadeLink {
  const kind = fixed.request.kind
  if (user.kind !== kind) throw new LinkError({ code: "OTHER_KIND" })
  const rootKey = root.publicKey
  const fixedBytes = encodeFixedData({ ...fixed, rootKey })
  const linkKey = linkKeyOf(c, fixedBytes)
  const { linkId, blobKey } = secretsOf(c, kind, linkKey)
  const data = {
    fixed: sealBlob(c, blobKey, "fixed", signPart(c, root.privateKey, fixedBytes)),
    user: sealUserData(c, { kind, linkKey, rootKey, signingKey: root.privateKey }, user),
  }
  return { kind, linkKey, linkId, data }
}

/** What is needed to write the user data of a link. */
export interface LinkSigner {
  readonly kind: ShortLink["kind"]
  readonly linkKey: Uint8Array
  readonly rootKey: FixedLinkData["rootKey"]
  /** The root's private key or, for a contact address, that of a listed owner. */
  readonly signingKey: PrivateKey<"ed25519">
}

/**
 * The blob with new user data of an existing link; the fixed blob stays as it was stored. Throws `LinkError`
 * "NOT_AN_OWNER" for a key that may not sign it, "TOO_LARGE", or what is wrong with the owners (§9).
 */
export function sealUserData(c: CryptoBackend, signer: LinkSigner, user: UserLinkData): Uint8Array {
  if (user.kind !== signer.kind) throw new LinkError({ code: "OTHER_KIND" })
  const owners = user.kind === "contact" ? user.owners : []
  const signingKey = c.publicKeyOf(signer.signingKey)
  const isRoot = equalPublicKeys(signingKey, signer.rootKey)
  if (!isRoot && !owners.some((owner) => equalPublicKeys(owner.ownerKey, signingKey))) {
    throw new LinkError({ code: "NOT_AN_OWNER" })
  }
  checkOwners(c, signer.rootKey, owners)
  const { blobKey } = secretsOf(c, signer.kind, signer.linkKey)
  return sealBlob(c, blobKey, "user", signPart(c, signer.signingKey, encodeUserData(user)))
}

function secretsOf(
  c: CryptoBackend,
  kind: ShortLink["kind"],
  linkKey: Uint8Array,
): { linkId: Uint8Array | undefined; blobKey: Uint8Array } {
  if (kind === "contact") return contactSecrets(c, linkKey)
  return { linkId: undefined, blobKey: invitationBlobKey(c, linkKey) }
}
