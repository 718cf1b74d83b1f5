import type { CryptoBackend } from "@sluice/crypto/backend"
import { EMPTY } from "@sluice/encoding/bytes"
import type { ShortLink } from "./short-link.ts"

/** Bytes of a link key: SHA3-256 of the fixed link data. */
export const LINK_KEY_SIZE = 32
/** Bytes of a link ID. */
export const LINK_ID_SIZE = 24
const BLOB_KEY_SIZE = 32

/** What the key of a link gives (short-links.md §2). */
export interface LinkSecrets {
  /** 24 bytes: what the server is asked with. Nothing about the key can be learned from it. */
  readonly linkId: Uint8Array
  /** 32 bytes: the secret of both blobs. */
  readonly blobKey: Uint8Array
}

/** The link key that names this fixed data, 32 bytes. `fixedData` is without its signature. */
export function linkKeyOf(c: CryptoBackend, fixedData: Uint8Array): Uint8Array {
  return c.sha3_256(fixedData)
}

/** Link ID and blob key of a contact address. */
export function contactSecrets(c: CryptoBackend, linkKey: Uint8Array): LinkSecrets {
  const derived = c.hkdf(EMPTY, linkKey, "SimpleXContactLink", LINK_ID_SIZE + BLOB_KEY_SIZE)
  return { linkId: derived.slice(0, LINK_ID_SIZE), blobKey: derived.slice(LINK_ID_SIZE) }
}

/** Blob key of a one-time invitation; its link ID is made by the server. */
export function invitationBlobKey(c: CryptoBackend, linkKey: Uint8Array): Uint8Array {
  return c.hkdf(EMPTY, linkKey, "SimpleXInvLink", BLOB_KEY_SIZE)
}

/** Link ID and blob key of either kind of link. The ID is the only part of a link that may be sent to anyone. */
export function linkSecrets(c: CryptoBackend, link: ShortLink): LinkSecrets {
  if (link.kind === "contact") return contactSecrets(c, link.linkKey)
  return { linkId: link.linkId, blobKey: invitationBlobKey(c, link.linkKey) }
}
