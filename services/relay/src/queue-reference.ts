import type { CryptoBackend } from "@sluice/crypto/backend"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { ID_LENGTH } from "@sluice/smp-protocol/types"

/** An ID as an administrator has it, and what it may be the ID of. */
export interface QueueReference {
  readonly id: Uint8Array
  readonly of: "sender" | "link" | "either"
}

/** The server that is asked: an address of another one is refused. */
export interface ReferenceContext {
  readonly crypto: Pick<CryptoBackend, "hkdf">
  /** Key hash of this server's addresses, 32 bytes. */
  readonly fingerprint: Uint8Array
}

/** Longest ID in bytes. */
const LONGEST_ID = 255
/** Link key of a contact address → link ID and blob key (short-links.md §2). */
const CONTACT_INFO = "SimpleXContactLink"
const CONTACT_KEYS = ID_LENGTH + 32

/**
 * Reads what names a queue: the ID of its sender or of its link in base64url, its address (`smp://…`), a connection link
 * (`simplex:/contact#…`, agent.md §2) or a short link (`https://…/i#…`, short-links.md §10). Throws `DecodeError` for
 * anything else, with a text for the administrator.
 */
export function parseQueueReference(text: string, context: ReferenceContext): QueueReference {
  const trimmed = text.trim()
  if (trimmed.startsWith("smp://")) return queueAddress(trimmed, context)
  if (/^(simplex:|https:\/\/)/.test(trimmed)) return link(trimmed, context)
  const id = base64url(trimmed)
  if (id.length === 0 || id.length > LONGEST_ID) throw new DecodeError("queue: an ID has 1 to 255 bytes")
  return { id, of: "either" }
}

/** `smp://<key hash>@<hosts>/<sender ID>#…` */
function queueAddress(text: string, context: ReferenceContext): QueueReference {
  const [, keyHash, senderId] = /^smp:\/\/([\w=-]+)@[^/]+\/([\w=-]+)\/?(?:#.*)?$/.exec(text) ?? []
  if (keyHash === undefined || senderId === undefined) throw new DecodeError("queue: not a complete address of a queue")
  checkServer(keyHash, context)
  return { id: base64url(senderId), of: "sender" }
}

function link(text: string, context: ReferenceContext): QueueReference {
  const [, path, body = "", query = ""] = /^[^#]*?\/(\w+)\/?#([^?]*)(?:\?(.*))?$/.exec(text) ?? []
  const parameters = new URLSearchParams(query)
  switch (path?.toLowerCase()) {
    case "invitation":
    case "contact":
      return queueAddress(firstQueue(parameters), context)
    case "i":
      checkServer(parameters.get("c") ?? "", context)
      return { id: base64url(body.split("/")[0] ?? ""), of: "link" }
    case "a":
    case "c":
    case "g":
    case "r": {
      checkServer(parameters.get("c") ?? "", context)
      const keys = context.crypto.hkdf(EMPTY, base64url(body), CONTACT_INFO, CONTACT_KEYS)
      return { id: keys.slice(0, ID_LENGTH), of: "link" }
    }
    default:
      throw new DecodeError("queue: not a link of a kind that is known")
  }
}

/** Connection links may name several queues, but only the first one is used (agent.md §2). */
function firstQueue(parameters: URLSearchParams): string {
  return parameters.get("smp")?.split(";")[0] ?? ""
}

/** Short links of preset servers have no key hash: then nothing tells whose they are. */
function checkServer(keyHash: string, { fingerprint }: ReferenceContext): void {
  if (keyHash !== "" && !equalBytes(base64url(keyHash), fingerprint)) {
    throw new DecodeError("queue: it is on another server")
  }
}

function base64url(text: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = decodeBase64Url(text)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new DecodeError("queue: an ID in base64url, an address or a link was expected")
  }
  if (bytes.length === 0) throw new DecodeError("queue: no ID in it")
  return bytes
}
