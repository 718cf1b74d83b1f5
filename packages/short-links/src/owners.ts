import type { CryptoBackend } from "@sluice/crypto/backend"
import {
  type Ed25519Key,
  encodePublicKey,
  equalPublicKeys,
  type PrivateKey,
  readKey,
  writeKey,
} from "@sluice/crypto/keys"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { concatBytes, equalBytes } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import { LinkError } from "./errors.ts"
import { readSignature } from "./signed-part.ts"

/** Someone besides the holder of the root key who may sign the user data of a contact address (short-links.md §9). */
export interface LinkOwner {
  /** Chosen by the app, 0 to 255 bytes. */
  readonly ownerId: Uint8Array
  readonly ownerKey: Ed25519Key
  /** Ed25519 signature of the root or of an owner listed before, 64 bytes. */
  readonly authorization: Uint8Array
}

/** An owner with the authorization by `authorizer`: the root key, or that of an owner who is listed before. */
export function authorizeOwner(
  c: CryptoBackend,
  authorizer: PrivateKey<"ed25519">,
  ownerId: Uint8Array,
  ownerKey: Ed25519Key,
): LinkOwner {
  return { ownerId, ownerKey, authorization: c.sign(authorizer, authorizedBytes(ownerId, ownerKey)) }
}

/**
 * Signatures that are verified for one list. An authorization does not say whose it is, so that a list of as many owners as
 * fit into a blob, each authorized by the one before, would take some 7,000. These are enough for any 32 owners, and for as
 * many as fit if the root authorized them.
 */
export const MAX_OWNER_CHECKS = 528

/**
 * Checks the list in its order (§9). Throws `LinkError` "OWNER_IS_ROOT", "OWNER_DUPLICATE" or "OWNER_UNAUTHORIZED" for
 * the first owner that breaks a rule; the last also when {@link MAX_OWNER_CHECKS} did not find who authorized it.
 */
export function checkOwners(c: CryptoBackend, rootKey: Ed25519Key, owners: readonly LinkOwner[]): void {
  const accepted: LinkOwner[] = []
  let checks = 0
  for (const owner of owners) {
    const ownerId = encodeBase64UrlUnpadded(owner.ownerId)
    if (equalPublicKeys(owner.ownerKey, rootKey)) throw new LinkError({ code: "OWNER_IS_ROOT", ownerId })
    if (accepted.some((other) => sameOwner(other, owner))) throw new LinkError({ code: "OWNER_DUPLICATE", ownerId })
    const signed = authorizedBytes(owner.ownerId, owner.ownerKey)
    const authorizers = [rootKey, ...accepted.map((other) => other.ownerKey)]
    const candidates = authorizers.slice(0, MAX_OWNER_CHECKS - checks)
    const authorizer = candidates.findIndex((key) => c.verify(key, signed, owner.authorization))
    checks += authorizer + 1
    if (authorizer < 0) {
      throw new LinkError({ code: "OWNER_UNAUTHORIZED", ownerId })
    }
    accepted.push(owner)
  }
}

/** An owner is a short string whose content may grow in later versions; what follows the known fields is skipped. */
export function readOwner(r: Reader): LinkOwner {
  const inner = new Reader(r.short("owner"))
  const ownerId = inner.short("owner id")
  const ownerKey = readKey(inner, "ed25519", "owner key")
  return { ownerId, ownerKey, authorization: readSignature(inner) }
}

/** Counterpart of {@link readOwner}. */
export function writeOwner(w: Writer, owner: LinkOwner): void {
  w.shortOf((to) => {
    to.short(owner.ownerId)
    writeKey(to, owner.ownerKey)
    to.short(owner.authorization)
  })
}

function sameOwner(a: LinkOwner, b: LinkOwner): boolean {
  return equalBytes(a.ownerId, b.ownerId) || equalPublicKeys(a.ownerKey, b.ownerKey)
}

/** What an authorization signs: the ID and the DER of the key, without lengths. */
function authorizedBytes(ownerId: Uint8Array, ownerKey: Ed25519Key): Uint8Array {
  return concatBytes(ownerId, encodePublicKey(ownerKey))
}
