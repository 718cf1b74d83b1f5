import { concatBytes, equalBytes } from "@sluice/encoding/bytes"
import { advance } from "./advance.ts"
import { RatchetError, type RatchetProblem } from "./errors.ts"
import { decodePacket, type MessageHeader, openHeader, type Packet, unpadded } from "./header.ts"
import { chainStep } from "./kdf.ts"
import type { RatchetCrypto } from "./primitives.ts"
import { MAX_SKIP, NO_CHANGE, type SkippedChange, type SkippedKey, type SkippedKeys } from "./skipped.ts"
import type { Ratchet, ReceivingChain } from "./state.ts"

interface Outcome {
  /** To be saved whether decryption succeeded or not; the same object as before where nothing changed. */
  readonly state: Ratchet
  /** To be saved together with the state. */
  readonly skipped: SkippedChange
}

/** A message that was decrypted. */
export interface Decrypted extends Outcome {
  readonly ok: true
  readonly message: Uint8Array
  /** Whether a KEM secret protects messages of this chain. */
  readonly pq: boolean
}

/** A packet that was not; the state may have changed all the same. */
export interface NotDecrypted extends Outcome {
  readonly ok: false
  readonly problem: RatchetProblem
}

export type DecryptResult = Decrypted | NotDecrypted

/**
 * Decrypts a packet (ratchet.md §6). `skipped` are the keys kept for messages that have not come yet. Save `state` and the
 * change of `skipped` with the message in one transaction, also after a failure. Whatever the peer sent, nothing is
 * thrown; what others sent changes nothing, since no key opens its header.
 */
export function decrypt(c: RatchetCrypto, state: Ratchet, skipped: SkippedKeys, packet: Uint8Array): DecryptResult {
  try {
    return decryptParts(c, state, skipped, decodePacket(packet))
  } catch (error) {
    return failed(error, state, NO_CHANGE)
  }
}

function decryptParts(c: RatchetCrypto, state: Ratchet, skipped: SkippedKeys, packet: Packet): DecryptResult {
  for (const { headerKey, keys } of skipped) {
    const header = openHeader(c, headerKey, state.associatedData, packet)
    if (header === undefined) continue
    const key = keys.get(header.number)
    if (key !== undefined) return decryptSkipped(c, state, key, packet)
    if (isReceiving(state, headerKey)) return decryptInChain(c, state, header, packet)
    if (equalBytes(headerKey, state.nextReceivingHeaderKey)) return decryptInNextChain(c, state, header, packet)
    throw new RatchetError({ code: "HEADER" })
  }
  const { receiving, associatedData, nextReceivingHeaderKey } = state
  const same = receiving && openHeader(c, receiving.headerKey, associatedData, packet)
  if (same !== undefined) return decryptInChain(c, state, same, packet)
  const next = openHeader(c, nextReceivingHeaderKey, associatedData, packet)
  if (next !== undefined) return decryptInNextChain(c, state, next, packet)
  throw new RatchetError({ code: "HEADER" })
}

function isReceiving({ receiving }: Ratchet, headerKey: Uint8Array): boolean {
  return receiving !== undefined && equalBytes(receiving.headerKey, headerKey)
}

/** A message that came late: its key is used up even if the body is not right. */
function decryptSkipped(c: RatchetCrypto, state: Ratchet, key: SkippedKey, packet: Packet): DecryptResult {
  const change = { type: "remove", headerKey: key.headerKey, number: key.number } as const
  return openBody(c, state, change, key.messageKey, key.iv, packet)
}

function decryptInChain(c: RatchetCrypto, state: Ratchet, header: MessageHeader, packet: Packet): DecryptResult {
  return decryptNext(c, withVersion(state, header), [], header, packet)
}

function decryptInNextChain(c: RatchetCrypto, state: Ratchet, header: MessageHeader, packet: Packet): DecryptResult {
  const before = skipTo(c, withVersion(state, header), header.previousCount)
  return decryptNext(c, advance(c, before.state, header), before.keys, header, packet)
}

/** The last steps: skip to the message in its chain, then decrypt it. Errors from here on keep the new state. */
function decryptNext(
  c: RatchetCrypto,
  state: Ratchet,
  skippedBefore: readonly SkippedKey[],
  header: MessageHeader,
  packet: Packet,
): DecryptResult {
  let reached: Skip
  try {
    reached = skipTo(c, state, header.number)
  } catch (error) {
    return failed(error, state, added(skippedBefore))
  }
  const { receiving } = reached.state
  if (receiving === undefined) throw new RatchetError({ code: "HEADER" })
  const step = chainStep(c, receiving.chainKey)
  const next = {
    ...reached.state,
    receiving: { ...receiving, chainKey: step.chainKey },
    receivedCount: reached.state.receivedCount + 1,
  }
  return openBody(c, next, added([...skippedBefore, ...reached.keys]), step.messageKey, step.messageIv, packet)
}

function openBody(
  c: RatchetCrypto,
  state: Ratchet,
  skipped: SkippedChange,
  messageKey: Uint8Array,
  iv: Uint8Array,
  { encHeader, tag, body }: Packet,
): DecryptResult {
  const associated = concatBytes(state.associatedData, encHeader)
  const block = c.crypto.aesGcmDecrypt(messageKey, iv, associated, tag, body)
  if (block === undefined) return { ok: false, problem: { code: "DECRYPT" }, state, skipped }
  const message = unpadded(block)
  if (message === undefined) return { ok: false, problem: { code: "PADDING" }, state, skipped }
  return { ok: true, message, pq: state.receivingKem, state, skipped }
}

/** The version rises to what both sides offer, and never falls. */
function withVersion(state: Ratchet, header: MessageHeader): Ratchet {
  const { current, max } = state.version
  if (header.maxVersion <= current) return state
  return { ...state, version: { current: Math.max(current, Math.min(header.maxVersion, max)), max } }
}

interface Skip {
  readonly state: Ratchet
  readonly keys: readonly SkippedKey[]
}

/** Makes the keys of all messages before number `until` of the receiving chain. Throws `RatchetError`. */
function skipTo(c: RatchetCrypto, state: Ratchet, until: number): Skip {
  const { receiving, receivedCount } = state
  if (receiving === undefined) return { state, keys: [] }
  if (receivedCount > until + 1) throw new RatchetError({ code: "EARLIER", count: receivedCount - until - 1 })
  if (receivedCount === until + 1) throw new RatchetError({ code: "DUPLICATE" })
  if (receivedCount + MAX_SKIP < until) {
    throw new RatchetError({ code: "TOO_MANY_SKIPPED", count: until + 1 - receivedCount })
  }
  const { headerKey } = receiving
  const keys: SkippedKey[] = []
  let { chainKey } = receiving
  for (let number = receivedCount; number < until; number++) {
    const step = chainStep(c, chainKey)
    keys.push({ headerKey, number, messageKey: step.messageKey, iv: step.messageIv })
    chainKey = step.chainKey
  }
  return {
    state: { ...state, receiving: { headerKey, chainKey } satisfies ReceivingChain, receivedCount: until },
    keys,
  }
}

function added(keys: readonly SkippedKey[]): SkippedChange {
  return keys.length === 0 ? NO_CHANGE : { type: "add", keys }
}

function failed(error: unknown, state: Ratchet, skipped: SkippedChange): NotDecrypted {
  if (!(error instanceof RatchetError)) throw error
  return { ok: false, problem: error.problem, state, skipped }
}
