import { createHash } from "node:crypto"
import { type AuthKey, decodePrivateKey, decodePublicKey, keyForPlace, type X25519Key } from "@sluice/crypto/keys"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import type { AuthPrivateKey } from "../src/authorization.ts"

/** Bytes as vectors write them: hex, or one byte many times. */
export type BytesInput = string | { readonly repeat: string; readonly length: number }
/** Bytes as vectors expect them: hex, or length and digest of long ones. */
export type BytesOutput = string | { readonly length: number; readonly sha256: string; readonly first: string }

export interface KeyVector {
  readonly pub: string
  readonly priv: string
}

export function bytes(input: BytesInput): Uint8Array {
  if (typeof input === "string") return fromHex(input)
  return new Uint8Array(input.length).fill(Number.parseInt(input.repeat, 16))
}

/** Bytes in the form that vectors expect them. */
export function outputOf(value: Uint8Array): BytesOutput {
  return value.length <= 400 ? toHex(value) : digest(value)
}

/** Length, SHA-256 and first 48 bytes. */
export function digest(value: Uint8Array): BytesOutput {
  return { length: value.length, sha256: sha256(value), first: toHex(value.subarray(0, 48)) }
}

export function sha256(value: Uint8Array): string {
  return createHash("sha256").update(value).digest("hex")
}

export function authKey(der: string): AuthKey {
  return keyForPlace(decodePublicKey(fromHex(der)), "auth")
}

export function x25519Key(der: string): X25519Key {
  return keyForPlace(decodePublicKey(fromHex(der)), "x25519")
}

/** The private key of a vector, as the kind that it is; commands are never authorized with X448. */
export function privateKeyOf(key: KeyVector): AuthPrivateKey {
  const decoded = decodePrivateKey(fromHex(key.priv))
  if (decoded.algorithm === "x448") throw new Error("X448 in a vector for authorization")
  return decoded
}
