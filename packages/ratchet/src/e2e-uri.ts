import { publicKeyToString } from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { formatVersionRange, parseVersionRange } from "@sluice/encoding/version"
import { type E2eInvitation, requireProposed, x3dhKeysFromDer } from "./e2e-params.ts"
import { type KemParams, kemCiphertext, kemPublicKey } from "./kem-params.ts"
import { hasKem } from "./versions.ts"

/**
 * Text form of an invitation's parameters: `v=2-3&x3dh=<key>,<key>[&kem_key=<key>]`, all base64url (ratchet.md §1).
 * Where it is the value of `e2e` in a longer query, the caller escapes it as a whole.
 */
export function formatE2eInvitation(invitation: E2eInvitation): string {
  const { versions, key1, key2, kem } = invitation
  const keys = `v=${formatVersionRange(versions)}&x3dh=${publicKeyToString(key1)},${publicKeyToString(key2)}`
  return kem === undefined || !hasKem(versions.max) ? keys : `${keys}&kem_key=${encodeBase64Url(kem.publicKey)}`
}

/** Reads the text form; parameters may come in any order, unknown ones are ignored. Throws `DecodeError`. */
export function parseE2eInvitation(text: string): E2eInvitation {
  const query = parseQuery(text)
  const versions = parseVersionRange(required(query, "v"))
  const [first, second, ...more] = required(query, "x3dh").split(",")
  if (first === undefined || second === undefined || more.length > 0) {
    throw new DecodeError("e2e parameters: two keys expected")
  }
  const keys = x3dhKeysFromDer(decodeBase64Url(first), decodeBase64Url(second))
  return requireProposed({ versions, ...keys, kem: hasKem(versions.max) ? kemOf(query) : undefined })
}

function kemOf(query: ReadonlyMap<string, string>): KemParams | undefined {
  const key = query.get("kem_key")
  if (key === undefined) return undefined
  const publicKey = kemPublicKey(decodeBase64Url(key))
  const ciphertext = query.get("kem_ct")
  if (ciphertext === undefined) return { type: "proposed", publicKey }
  return { type: "accepted", ciphertext: kemCiphertext(decodeBase64Url(ciphertext)), publicKey }
}

function required(query: ReadonlyMap<string, string>, name: string): string {
  const value = query.get(name)
  if (value === undefined) throw new DecodeError("e2e parameters: a parameter is missing")
  return value
}

/** `name=value&…` with escaped values; the first of several parameters of one name counts. */
function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>()
  for (const part of text.split("&")) {
    const equals = part.indexOf("=")
    if (equals < 0) continue
    const name = unescaped(part.slice(0, equals))
    if (!query.has(name)) query.set(name, unescaped(part.slice(equals + 1)))
  }
  return query
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new DecodeError("e2e parameters: invalid escape")
  }
}
