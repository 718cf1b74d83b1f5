import type { KemKeyPair } from "@sluice/crypto/kem"
import { type KeyPair, privateKey, publicKey } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole, type Reader } from "@sluice/encoding/reader"
import { encodeWith, type Writer } from "@sluice/encoding/writer"
import { kemCiphertext, kemPublicKey } from "./kem-params.ts"
import type { OwnKem, OwnKeys } from "./keys.ts"
import type { SkippedKey } from "./skipped.ts"
import type { AcceptedState, KemState, Ratchet, ReceivingChain, SendingChain } from "./state.ts"
import { kemSecretKey } from "./state-values.ts"

// The project's own binary forms, for a program's storage only: all of them hold secrets. The first byte is the number
// of the format. Decoded values are views on the input: copy it first if it is memory that the store uses again.
const FORMAT = 1

/** A ratchet: 442 bytes without KEM and chains, up to 5.9 KB with all. */
export function encodeRatchet(state: Ratchet): Uint8Array {
  return encodeWith((w) => {
    w.u8(FORMAT).u16(state.version.current).u16(state.version.max).short(state.associatedData)
    writePair(w, state.dh)
    w.maybe(state.kem, writeKemState)
    w.bool(state.supportKem).bool(state.enableKem).bool(state.sendingKem).bool(state.receivingKem)
    w.raw(state.rootKey)
    w.maybe(state.sending, writeSending).maybe(state.receiving, writeReceiving)
    w.u32(state.sentCount).u32(state.receivedCount).u32(state.previousCount)
    w.raw(state.nextSendingHeaderKey).raw(state.nextReceivingHeaderKey)
  }, 1024)
}

/** Reads what {@link encodeRatchet} wrote. Throws `DecodeError`. */
export function decodeRatchet(bytes: Uint8Array): Ratchet {
  return decodeWhole(bytes, (r) => {
    readFormat(r)
    return {
      version: { current: r.u16("version"), max: r.u16("max version") },
      associatedData: r.short("associated data"),
      dh: readPair(r),
      kem: r.maybe(readKemState),
      supportKem: r.bool("KEM supported"),
      enableKem: r.bool("KEM enabled"),
      sendingKem: r.bool("KEM sending"),
      receivingKem: r.bool("KEM receiving"),
      rootKey: r.take(32, "root key"),
      sending: r.maybe(readSending),
      receiving: r.maybe(readReceiving),
      sentCount: r.u32("sent"),
      receivedCount: r.u32("received"),
      previousCount: r.u32("previous"),
      nextSendingHeaderKey: r.take(32, "next header key"),
      nextReceivingHeaderKey: r.take(32, "next header key"),
    }
  })
}

/** Own X3DH keys: 226 bytes, up to 4.2 KB with a KEM that accepts. */
export function encodeOwnKeys(keys: OwnKeys): Uint8Array {
  return encodeWith((w) => {
    w.u8(FORMAT)
    writePair(w, keys.key1)
    writePair(w, keys.key2)
    w.maybe(keys.kem, writeOwnKem)
  })
}

/** Reads what {@link encodeOwnKeys} wrote. Throws `DecodeError`. */
export function decodeOwnKeys(bytes: Uint8Array): OwnKeys {
  return decodeWhole(bytes, (r) => {
    readFormat(r)
    return { key1: readPair(r), key2: readPair(r), kem: r.maybe(readOwnKem) }
  })
}

/** One skipped key, 85 bytes. */
export function encodeSkippedKey(key: SkippedKey): Uint8Array {
  return encodeWith((w) => w.u8(FORMAT).raw(key.headerKey).u32(key.number).raw(key.messageKey).raw(key.iv), 85)
}

/** Reads what {@link encodeSkippedKey} wrote. Throws `DecodeError`. */
export function decodeSkippedKey(bytes: Uint8Array): SkippedKey {
  return decodeWhole(bytes, (r) => {
    readFormat(r)
    return {
      headerKey: r.take(32, "header key"),
      number: r.u32("message number"),
      messageKey: r.take(32, "message key"),
      iv: r.take(16, "IV"),
    }
  })
}

function readFormat(r: Reader): void {
  if (r.u8("format") !== FORMAT) throw new DecodeError("ratchet storage: unknown format")
}

/** Both halves: computing the public one takes as long as everything else that is done to send a message. */
function writePair(w: Writer, { privateKey, publicKey }: KeyPair<"x448">): void {
  w.raw(privateKey.raw).raw(publicKey.raw)
}

function readPair(r: Reader): KeyPair<"x448"> {
  return {
    privateKey: privateKey("x448", r.take(56, "private key")),
    publicKey: publicKey("x448", r.take(56, "public key")),
  }
}

function writeKemPair(w: Writer, { publicKey, secretKey }: KemKeyPair): void {
  w.large(publicKey).large(secretKey)
}

function readKemPair(r: Reader): KemKeyPair {
  return { publicKey: kemPublicKey(r.large("KEM key")), secretKey: kemSecretKey(r.large("KEM secret key")) }
}

function writeKemState(w: Writer, { pair, accepted }: KemState): void {
  writeKemPair(w, pair)
  w.maybe(accepted, (_, { peerKey, sharedSecret, ciphertext }) => w.large(peerKey).raw(sharedSecret).large(ciphertext))
}

function readKemState(r: Reader): KemState {
  return { pair: readKemPair(r), accepted: r.maybe(readAccepted) }
}

function readAccepted(r: Reader): AcceptedState {
  return {
    peerKey: kemPublicKey(r.large("KEM peer key")),
    sharedSecret: r.take(32, "KEM secret"),
    ciphertext: kemCiphertext(r.large("KEM ciphertext")),
  }
}

function writeOwnKem(w: Writer, { pair, accepted }: OwnKem): void {
  writeKemPair(w, pair)
  w.maybe(accepted, (_, { ciphertext, sharedSecret }) => w.raw(sharedSecret).large(ciphertext))
}

function readOwnKem(r: Reader): OwnKem {
  return {
    pair: readKemPair(r),
    accepted: r.maybe(() => ({
      sharedSecret: r.take(32, "KEM secret"),
      ciphertext: kemCiphertext(r.large("KEM ciphertext")),
    })),
  }
}

function writeSending(w: Writer, { peerKey, chainKey, headerKey }: SendingChain): void {
  w.raw(peerKey.raw).raw(chainKey).raw(headerKey)
}

function readSending(r: Reader): SendingChain {
  return {
    peerKey: publicKey("x448", r.take(56, "peer key")),
    chainKey: r.take(32, "chain key"),
    headerKey: r.take(32, "header key"),
  }
}

function writeReceiving(w: Writer, { chainKey, headerKey }: ReceivingChain): void {
  w.raw(chainKey).raw(headerKey)
}

function readReceiving(r: Reader): ReceivingChain {
  return { chainKey: r.take(32, "chain key"), headerKey: r.take(32, "header key") }
}
