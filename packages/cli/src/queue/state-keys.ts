import type { CryptoBackend } from "@sluice/crypto/backend"
import { type KeyPair, type PrivateKey, privateKeyFromString, privateKeyToString } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonText } from "@sluice/encoding/json"

/** A private key as it stands in a state file. */
export function keyToJson(key: PrivateKey): string {
  return privateKeyToString(key)
}

/** A field that holds an X25519 private key, with its public half. Throws `DecodeError`. */
export function jsonX25519Pair(c: CryptoBackend, fields: JsonObject, name: string): KeyPair<"x25519"> {
  const privateKey = privateKeyFromString(jsonText(fields, name))
  if (privateKey.algorithm !== "x25519") throw new DecodeError(`${name}: not an X25519 key`)
  return { privateKey, publicKey: c.publicKeyOf(privateKey) }
}

/** A field that holds an Ed25519 private key, with its public half. Throws `DecodeError`. */
export function jsonEd25519Pair(c: CryptoBackend, fields: JsonObject, name: string): KeyPair<"ed25519"> {
  const privateKey = privateKeyFromString(jsonText(fields, name))
  if (privateKey.algorithm !== "ed25519") throw new DecodeError(`${name}: not an Ed25519 key`)
  return { privateKey, publicKey: c.publicKeyOf(privateKey) }
}
