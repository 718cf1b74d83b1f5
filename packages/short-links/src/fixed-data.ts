import { type Ed25519Key, readKey, writeKey } from "@sluice/crypto/keys"
import { Reader } from "@sluice/encoding/reader"
import { readVersionRange, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import { type ConnectionRequest, readConnectionRequest, writeConnectionRequest } from "./connection-request.ts"

/** The part of link data that never changes; its hash is the link key (short-links.md §4.1). */
export interface FixedLinkData {
  /** Versions of the agent protocol. */
  readonly agentVersions: VersionRange
  /** Signs this part, and user data. */
  readonly rootKey: Ed25519Key
  readonly request: ConnectionRequest
  /** Given by the app to links that it prepares without a network (§7), 0 to 255 bytes. */
  readonly linkEntityId?: Uint8Array | undefined
}

/** The bytes that are hashed and signed. */
export function encodeFixedData(data: FixedLinkData): Uint8Array {
  return encodeWith((w) => {
    writeVersionRange(w, data.agentVersions)
    writeKey(w, data.rootKey)
    writeConnectionRequest(w, data.request)
    if (data.linkEntityId !== undefined) w.short(data.linkEntityId)
  }, 512)
}

/** Reads fixed data; what later versions put after the known fields is skipped. Throws `DecodeError`. */
export function decodeFixedData(bytes: Uint8Array): FixedLinkData {
  const r = new Reader(bytes)
  const agentVersions = readVersionRange(r, "agent versions")
  const rootKey = readKey(r, "ed25519", "root key")
  const request = readConnectionRequest(r)
  return { agentVersions, rootKey, request, linkEntityId: readEntityId(r) }
}

/** The ID has no tag that says whether it is there: it is, if a whole short string follows. */
function readEntityId(r: Reader): Uint8Array | undefined {
  const length = r.peek()
  return length === undefined || r.remaining < 1 + length ? undefined : r.short("link entity id")
}
