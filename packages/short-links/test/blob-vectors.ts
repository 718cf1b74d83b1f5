import { dhBoxKey } from "@sluice/crypto/box"
import { encodePublicKey } from "@sluice/crypto/keys"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { sealBlobAnswer } from "@sluice/smp-protocol/blob-answer"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import { encodeBrokerMessage } from "@sluice/smp-protocol/messages"
import { type BlobLink, blobLinkSecrets, formatBlobLink, sealBlobContent } from "../src/blob-link.ts"
import { formatFullLink } from "../src/full-link.ts"
import { SERVER, sampleRequest } from "./samples.ts"
import { seededCrypto } from "./seeded.ts"

const VERSION = 20

/** The vectors of docs/blob-links.md: one link of each kind with everything on its way. */
export function blobVectors(): Record<string, unknown> {
  return {
    source: "made by packages/short-links/test/make-blob-vectors.ts",
    links: (["contact", "invitation"] as const).map((kind, index) => linkCase(kind, index)),
  }
}

function linkCase(kind: "contact" | "invitation", seed: number): unknown {
  const c = seededCrypto(seed)
  const { privateKey: key } = c.generateKeyPair("x25519")
  const { hosts, port, keyHash } = SERVER
  const link: BlobLink = { kind, server: { hosts, port, keyHash }, key }
  const { readerKey, blobId, blobKey } = blobLinkSecrets(c, key)
  const request = sampleRequest(c, kind)
  const appData = utf8('{"displayName":"ann"}')
  const nonce = c.randomBytes(24)
  const blob = sealBlobContent(c, key, { request, appData }, nonce)
  const owner = c.generateKeyPair("ed25519")
  const session = c.generateKeyPair("x25519")
  const corrId = c.randomBytes(24)
  const answerKey = dhBoxKey(c, session.privateKey, readerKey)
  if (answerKey === undefined) throw new Error("a key of low order")
  const box = sealBlobAnswer(c, answerKey, corrId, blob)
  return {
    name: kind,
    link: formatBlobLink(link),
    linkOnSite: formatBlobLink(link, "https://simplex.chat"),
    privateKey: toHex(key.raw),
    readerKey: toHex(readerKey.raw),
    blobId: toHex(blobId),
    blobKey: toHex(blobKey),
    request: formatFullLink(request),
    appData: toHex(appData),
    nonce: toHex(nonce),
    blob: toHex(blob),
    ownerKey: toHex(encodePublicKey(owner.publicKey)),
    // What follows the entity ID in a transmission; of WRT up to the blob.
    WRT: toHex(encodeCommand({ tag: "WRT", key: owner.publicKey, blob }, VERSION).subarray(0, -blob.length)),
    READ: toHex(encodeCommand({ tag: "READ" }, VERSION)),
    serverSessionKey: toHex(session.publicKey.raw),
    serverSessionPrivateKey: toHex(session.privateKey.raw),
    corrId: toHex(corrId),
    BLOB: toHex(encodeBrokerMessage({ tag: "BLOB", box }, VERSION).subarray(0, 69)),
    boxSha256: toHex(c.sha256(box)),
  }
}
