import {
  decodePrivateKey,
  encodePrivateKey,
  type KeyPair,
  keyForPlace,
  publicKeyFromString,
  publicKeyToString,
} from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import {
  bytesToJson,
  type JsonObject,
  jsonBool,
  jsonBytes,
  jsonInteger,
  jsonMaybe,
  jsonObject,
  jsonText,
  omitAbsent,
} from "@sluice/encoding/json"
import { kemCiphertext, kemPublicKey } from "./kem-params.ts"
import type { RatchetCrypto } from "./primitives.ts"
import type { AcceptedState, KemState, Ratchet } from "./state.ts"
import { exactly, kemSecretKey, u16Of, u32Of } from "./state-values.ts"

/** The state in the reference's JSON form (ratchet.md §9): to move connections between programs, and for vectors. */
export function ratchetToJson(state: Ratchet): JsonObject {
  const { sending, receiving, kem } = state
  return omitAbsent({
    rcVersion: [state.version.current, state.version.max],
    rcAD: bytesToJson(state.associatedData),
    // Text in the reference's type, and text is put into base64 once more.
    rcDHRs: encodeBase64Url(latin1(encodeBase64Url(encodePrivateKey(state.dh.privateKey)))),
    rcKEM: kem && kemToJson(kem),
    rcSupportKEM: state.supportKem,
    rcEnableKEM: state.enableKem,
    rcSndKEM: state.sendingKem,
    rcRcvKEM: state.receivingKem,
    rcRK: bytesToJson(state.rootKey),
    rcSnd: sending && {
      rcDHRr: publicKeyToString(sending.peerKey),
      rcCKs: bytesToJson(sending.chainKey),
      rcHKs: bytesToJson(sending.headerKey),
    },
    rcRcv: receiving && { rcCKr: bytesToJson(receiving.chainKey), rcHKr: bytesToJson(receiving.headerKey) },
    rcNs: state.sentCount,
    rcNr: state.receivedCount,
    rcPN: state.previousCount,
    rcNHKs: bytesToJson(state.nextSendingHeaderKey),
    rcNHKr: bytesToJson(state.nextReceivingHeaderKey),
  })
}

/**
 * Reads the JSON form after `JSON.parse`. States of old versions, without KEM fields, load with PQ off. Throws
 * `DecodeError`. Computes one public key.
 */
export function ratchetFromJson(c: RatchetCrypto, value: unknown): Ratchet {
  const o = jsonObject(value, "ratchet")
  return {
    version: versionOf(o["rcVersion"]),
    associatedData: jsonBytes(o, "rcAD"),
    dh: ratchetKey(c, jsonBytes(o, "rcDHRs")),
    kem: jsonMaybe(o, "rcKEM", kemFromJson),
    supportKem: jsonMaybe(o, "rcSupportKEM", jsonBool) ?? false,
    enableKem: jsonMaybe(o, "rcEnableKEM", jsonBool) ?? false,
    sendingKem: jsonMaybe(o, "rcSndKEM", jsonBool) ?? false,
    receivingKem: jsonMaybe(o, "rcRcvKEM", jsonBool) ?? false,
    rootKey: key32(o, "rcRK"),
    sending: jsonMaybe(o, "rcSnd", sendingFromJson),
    receiving: jsonMaybe(o, "rcRcv", receivingFromJson),
    sentCount: u32Of(jsonInteger(o, "rcNs")),
    receivedCount: u32Of(jsonInteger(o, "rcNr")),
    previousCount: u32Of(jsonInteger(o, "rcPN")),
    nextSendingHeaderKey: key32(o, "rcNHKs"),
    nextReceivingHeaderKey: key32(o, "rcNHKr"),
  }
}

function object(o: JsonObject, name: string): JsonObject {
  return jsonObject(o[name], name)
}

function key32(o: JsonObject, name: string): Uint8Array {
  return exactly(jsonBytes(o, name), 32)
}

function versionOf(value: unknown): Ratchet["version"] {
  if (!Array.isArray(value) || value.length !== 2) throw new DecodeError("rcVersion: not a pair of versions")
  return { current: u16Of(value[0]), max: u16Of(value[1]) }
}

function ratchetKey(c: RatchetCrypto, text: Uint8Array): KeyPair<"x448"> {
  const { algorithm, raw } = decodePrivateKey(decodeBase64Url(fromLatin1(text)))
  if (algorithm !== "x448") throw new DecodeError("rcDHRs: not an X448 key")
  const privateKey = { kind: "private", algorithm, raw } as const
  return { privateKey, publicKey: c.crypto.publicKeyOf(privateKey) }
}

function sendingFromJson(parent: JsonObject, name: string): Ratchet["sending"] {
  const o = object(parent, name)
  const peerKey = keyForPlace(publicKeyFromString(jsonText(o, "rcDHRr")), "x448")
  return { peerKey, chainKey: key32(o, "rcCKs"), headerKey: key32(o, "rcHKs") }
}

function receivingFromJson(parent: JsonObject, name: string): Ratchet["receiving"] {
  const o = object(parent, name)
  return { chainKey: key32(o, "rcCKr"), headerKey: key32(o, "rcHKr") }
}

function kemToJson({ pair, accepted }: KemState): JsonObject {
  return omitAbsent({
    rcPQRs: [bytesToJson(pair.publicKey), bytesToJson(pair.secretKey)],
    rcKEMs: accepted && {
      rcPQRr: bytesToJson(accepted.peerKey),
      rcPQRss: bytesToJson(accepted.sharedSecret),
      rcPQRct: bytesToJson(accepted.ciphertext),
    },
  })
}

function kemFromJson(parent: JsonObject, name: string): KemState {
  const o = object(parent, name)
  const pair = o["rcPQRs"]
  if (!Array.isArray(pair) || pair.length !== 2) throw new DecodeError("rcPQRs: not a key pair")
  const [publicKey, secretKey] = pair.map((half) => {
    if (typeof half !== "string") throw new DecodeError("rcPQRs: not a key pair")
    return decodeBase64Url(half)
  }) as [Uint8Array, Uint8Array]
  return {
    pair: { publicKey: kemPublicKey(publicKey), secretKey: kemSecretKey(secretKey) },
    accepted: jsonMaybe(o, "rcKEMs", acceptedFromJson),
  }
}

function acceptedFromJson(parent: JsonObject, name: string): AcceptedState {
  const o = object(parent, name)
  return {
    peerKey: kemPublicKey(jsonBytes(o, "rcPQRr")),
    sharedSecret: key32(o, "rcPQRss"),
    ciphertext: kemCiphertext(jsonBytes(o, "rcPQRct")),
  }
}
