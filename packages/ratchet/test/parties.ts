import { KEM_CIPHERTEXT_SIZE, KEM_PUBLIC_KEY_SIZE, KEM_SECRET_KEY_SIZE, type Kem } from "@sluice/crypto/kem"
import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import type { Version } from "@sluice/encoding/version"
import { type DecryptResult, decrypt } from "../src/decrypt.ts"
import { encrypt } from "../src/encrypt.ts"
import type { RatchetProblem } from "../src/errors.ts"
import { acceptRatchet, joinRatchet } from "../src/init.ts"
import { joinerKeys, proposeKeys, publicInvitation, publicParams } from "../src/keys.ts"
import type { RatchetCrypto } from "../src/primitives.ts"
import { applySkipped, NO_SKIPPED, type SkippedKeys } from "../src/skipped.ts"
import type { Ratchet } from "../src/state.ts"
import { decodeRatchet, encodeRatchet } from "../src/storage.ts"

/**
 * A KEM that is fast and not secure at all, for tests that make thousands of keys: whoever sees a ciphertext knows the
 * secret. Sizes and failures are those of the real one.
 */
const toyKem: Kem = {
  generateKeyPair() {
    const secretKey = nativeCrypto.randomBytes(KEM_SECRET_KEY_SIZE)
    return { secretKey, publicKey: secretKey.slice(0, KEM_PUBLIC_KEY_SIZE) }
  },
  encapsulate(publicKey) {
    const ciphertext = nativeCrypto.randomBytes(KEM_CIPHERTEXT_SIZE)
    return { ciphertext, sharedSecret: nativeCrypto.sha256(concatBytes(publicKey, ciphertext)) }
  },
  decapsulate: (secretKey, ciphertext) =>
    nativeCrypto.sha256(concatBytes(secretKey.subarray(0, KEM_PUBLIC_KEY_SIZE), ciphertext)),
}

export const toyCrypto: RatchetCrypto = { crypto: nativeCrypto, kem: toyKem }

/** How a conversation starts, as far as the KEM is concerned. */
export type Start = "no KEM" | "proposed" | "accepted" | "proposed by both" | "rejected"
export const STARTS = ["no KEM", "proposed", "accepted", "proposed by both"] as const satisfies Start[]

export interface PartyOptions {
  readonly c?: RatchetCrypto
  /** Highest version of the joiner and of the initiator. */
  readonly max?: readonly [Version, Version]
  readonly paddedLength?: number
}

/** What became of a packet: the text, or why there is none. */
export type Received = string | RatchetProblem

/** One side of a conversation, which keeps its state and skipped keys as an agent would. */
export class Party {
  readonly c: RatchetCrypto
  readonly max: Version
  readonly paddedLength: number
  state: Ratchet
  skipped: SkippedKeys = NO_SKIPPED
  /** Of the last message sent or received. */
  pq = false

  constructor(c: RatchetCrypto, state: Ratchet, max: Version, paddedLength: number) {
    this.c = c
    this.state = state
    this.max = max
    this.paddedLength = paddedLength
  }

  send(text: string, pq?: boolean): Uint8Array {
    const sent = encrypt(this.c, this.state, utf8(text), this.paddedLength, { pq, maxVersion: this.max })
    this.state = sent.state
    this.pq = sent.pq
    return sent.packet
  }

  receive(packet: Uint8Array): Received {
    const result = this.tryReceive(packet)
    if (!result.ok) return result.problem
    this.pq = result.pq
    return fromUtf8(result.message)
  }

  tryReceive(packet: Uint8Array): DecryptResult {
    const result = decrypt(this.c, this.state, this.skipped, packet)
    this.state = result.state
    this.skipped = applySkipped(this.skipped, result.skipped)
    return result
  }

  /** Goes on with what its store would give back. */
  restart(): void {
    this.state = decodeRatchet(encodeRatchet(this.state).slice())
  }
}

export interface Conversation {
  readonly joiner: Party
  readonly initiator: Party
}

/** Two parties with fresh keys; the joiner can send. */
export function startConversation(start: Start, options: PartyOptions = {}): Conversation {
  const { c = toyCrypto, max: [joinerMax, initiatorMax] = [3, 3], paddedLength = 100 } = options
  const version = Math.min(joinerMax, initiatorMax)
  const invitationKem = start === "accepted" || start === "proposed by both" || start === "rejected"
  const own = proposeKeys(c, invitationKem)
  const invitation = publicInvitation(own, { min: 2, max: initiatorMax })
  const joinerPq = start !== "no KEM" && start !== "rejected" && version >= 3
  const keys = start === "proposed by both" ? proposeKeys(c, joinerPq) : joinerKeys(c, invitation, version, joinerPq)
  const joined = joinRatchet(c, keys, invitation, { current: version, max: joinerMax })
  const initiatorPq = start !== "no KEM" && version >= 3
  const accepted = acceptRatchet(c, own, publicParams(keys, version), initiatorMax, initiatorPq)
  return {
    joiner: new Party(c, joined, joinerMax, paddedLength),
    initiator: new Party(c, accepted, initiatorMax, paddedLength),
  }
}
