import { type CryptoBackend, NONCE_SIZE, TAG_SIZE } from "@sluice/crypto/backend"
import { openPadded, sealPadded } from "@sluice/crypto/box"
import { type PrivateKey, privateKey, type X25519Key } from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { EMPTY } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { PAD_PREFIX } from "@sluice/encoding/padding"
import { Reader } from "@sluice/encoding/reader"
import { formatServerAddress, parseServerAddress, type Server } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import { BLOB_LENGTH, blobIdOf } from "@sluice/smp-protocol/blob-answer"
import { readAppData, writeAppData } from "./app-data.ts"
import { type ConnectionRequest, readConnectionRequest, writeConnectionRequest } from "./connection-request.ts"
import { LinkError } from "./errors.ts"
import { readField, syntax } from "./link-text.ts"

/*
 * Links of the network's first design (docs/blob-links.md): they carry a private key, and lead to a blob on a server that
 * offers a blob store. Nothing ties the blob to a queue, so such a link proves less than a short link does.
 */

/** A link to a blob. */
export interface BlobLink {
  readonly kind: ConnectionRequest["kind"]
  readonly server: Server
  /** 32 bytes, the secret of the link: its public half reads the blob, and what is derived from it opens it. */
  readonly key: PrivateKey<"x25519">
}

/** What the key of a link gives. */
export interface BlobLinkSecrets {
  /** What the server is asked with. */
  readonly readerKey: X25519Key
  /** 32 bytes: SHA-256 of that key, under which the blob is written. */
  readonly blobId: Uint8Array
  /** 32 bytes: the secret of the box. */
  readonly blobKey: Uint8Array
}

/** What is inside of a blob. */
export interface BlobContent {
  readonly request: ConnectionRequest
  /** What the app shows before connecting, as in short links. */
  readonly appData: Uint8Array
}

const KEY_SIZE = 32
const PADDED = BLOB_LENGTH - NONCE_SIZE - TAG_SIZE
const FORM = /^(?:simplex:|https:\/\/[^/#]+)\/(invitation|contact)\/?#\/([^?/]+)\/([A-Za-z0-9_-]+=*)$/

/** Whether the text has the form of a link to a blob, right or wrong. */
export function looksLikeBlobLink(text: string): boolean {
  return FORM.test(text)
}

/** Reads `…/contact#/keyHash@host[,host…][:port]/key`. Throws `LinkError` "SYNTAX". */
export function parseBlobLink(text: string): BlobLink {
  const match = FORM.exec(text)
  if (match === null) syntax("type")
  const [, kind, address = "", key = ""] = match
  const { hosts, port, keyHash } = readField("host", () =>
    parseServerAddress(`smp://${address}`, { scheme: "smp", password: "refused" }),
  )
  const raw = readField("link key", () => decodeBase64Url(key))
  if (raw.length !== KEY_SIZE) syntax("link key")
  const server = { hosts, port, keyHash }
  return { kind: kind === "contact" ? "contact" : "invitation", server, key: privateKey("x25519", raw) }
}

/** The text of a link. `origin` as in full links: `simplex:`, or a site such as `https://simplex.chat`. */
export function formatBlobLink({ kind, server, key }: BlobLink, origin: string = "simplex:"): string {
  const address = formatServerAddress({ scheme: "smp", ...server }).slice("smp://".length)
  return `${origin}/${kind}#/${address}/${encodeBase64UrlUnpadded(key.raw)}`
}

/** Everything that follows from the key of a link. Only `readerKey` and `blobId` may be sent, to the link's server. */
export function blobLinkSecrets(c: CryptoBackend, key: PrivateKey<"x25519">): BlobLinkSecrets {
  const readerKey = c.publicKeyOf(key)
  const blobKey = c.hkdf(EMPTY, key.raw, "SluiceBlobLink", KEY_SIZE)
  return { readerKey, blobId: blobIdOf(c, readerKey.raw), blobKey }
}

/** The blob for a link, 16048 bytes: `nonce ‖ box of the padded content`. Throws `LinkError` "TOO_LARGE". */
export function sealBlobContent(
  c: CryptoBackend,
  key: PrivateKey<"x25519">,
  { request, appData }: BlobContent,
  nonce: Uint8Array = c.randomBytes(NONCE_SIZE),
): Uint8Array {
  const content = encodeWith((w) => {
    writeConnectionRequest(w, request)
    writeAppData(w, appData)
  }, BLOB_LENGTH)
  if (content.length > PADDED - PAD_PREFIX) throw new LinkError({ code: "TOO_LARGE", part: "blob" })
  const blob = new Uint8Array(BLOB_LENGTH)
  blob.set(nonce)
  const { blobKey } = blobLinkSecrets(c, key)
  sealPadded(c, c.boxKey(blobKey), nonce, content, PADDED, blob.subarray(NONCE_SIZE))
  return blob
}

/**
 * Opens a blob that was read for a link. Throws `LinkError`: "DECRYPT" for one that is not for this link, "MALFORMED" for
 * one with something else in it, "OTHER_KIND" for the wrong kind of request. Which queue it leads to is not checked: the
 * blob is no part of one.
 */
export function openBlobContent(c: CryptoBackend, { key, kind }: BlobLink, blob: Uint8Array): BlobContent {
  const { blobKey } = blobLinkSecrets(c, key)
  const nonce = blob.subarray(0, NONCE_SIZE)
  const whole = blob.length === BLOB_LENGTH
  const bytes = whole ? openPadded(c, c.boxKey(blobKey), nonce, blob.subarray(NONCE_SIZE)) : undefined
  if (bytes === undefined) throw new LinkError({ code: "DECRYPT", part: "blob" })
  const content = readContent(bytes)
  if (content.request.kind !== kind) throw new LinkError({ code: "OTHER_KIND" })
  return content
}

function readContent(bytes: Uint8Array): BlobContent {
  try {
    const r = new Reader(bytes)
    return { request: readConnectionRequest(r), appData: readAppData(r) }
  } catch (error) {
    if (error instanceof DecodeError) throw new LinkError({ code: "MALFORMED", part: "blob" })
    throw error
  }
}
