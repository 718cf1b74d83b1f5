// What the cryptography of one message costs both agents together, by calls of the back end with nothing around them.
import type { Kem } from "@sluice/crypto/kem"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { median } from "../relay/medians.ts"

const kem: Kem = createSntrup761(c)

/** Sizes in bytes of what is encrypted: a message of the ratchet without and with post-quantum keys, and what is around. */
const RATCHET_BODY = { without: 15_840, with: 13_618 } as const
const RATCHET_HEADER = { without: 88, with: 2310 } as const
const ENVELOPE = 16_000
const DELIVERED = 16_106
const BLOCK = 16_382
const RUNS = 60

/** Microseconds of CPU time that a message needs at least; `alternating` ones each begin a new chain of the ratchet. */
export function ceiling(pq: boolean, alternating: boolean): number {
  const message = timed(() => messageOperations(pq))
  return message + (alternating ? timed(() => stepOperations(pq)) : 0)
}

const key32 = c.randomBytes(32)
const nonce = c.randomBytes(24)
const iv = c.randomBytes(16)
const box = c.boxKey(key32)
const block = c.randomBytes(BLOCK)
const sealedBlock = c.seal(box, nonce, block)
const envelope = c.randomBytes(ENVELOPE)
const sealedEnvelope = c.seal(box, nonce, envelope)
const sealedDelivery = c.seal(box, nonce, c.randomBytes(DELIVERED))
const associated = c.randomBytes(112)

/** Both ends of a message: ratchet, envelope, delivery, and five blocks on two connections with one authorization each. */
function messageOperations(pq: boolean): void {
  const [header, body] = [RATCHET_HEADER, RATCHET_BODY].map((sizes) =>
    block.subarray(0, pq ? sizes.with : sizes.without),
  )
  for (const part of [header, body]) {
    if (part === undefined) continue
    const sealed = c.aesGcmEncrypt(key32, iv, associated, part)
    c.aesGcmDecrypt(key32, iv, associated, sealed.tag, sealed.body)
  }
  for (let end = 0; end < 2; end++) {
    c.hkdf(key32, key32, "SimpleXChainRatchet", 96)
    c.sha256(block)
  }
  c.seal(box, nonce, envelope)
  c.open(box, nonce, sealedEnvelope)
  c.open(box, nonce, sealedDelivery)
  // SEND and ACK go out; OK, MSG and OK come in.
  for (let out = 0; out < 2; out++) c.seal(box, nonce, block)
  for (let come = 0; come < 3; come++) c.open(box, nonce, sealedBlock)
  for (let step = 0; step < 5; step++) c.hkdf(key32, key32, "SimpleXSbChain", 88)
  c.sha512(block)
}

const own = c.generateKeyPair("x448")
const peer = kem.generateKeyPair()
const { ciphertext: encapsulated } = kem.encapsulate(peer.publicKey)

/** A step of the ratchet, which the reader of a message takes: two secrets, a key pair, two HKDF, and the KEM's three. */
function stepOperations(pq: boolean): void {
  const next = c.generateKeyPair("x448")
  for (const { privateKey } of [own, next]) {
    c.hkdf(key32, c.diffieHellman(privateKey, own.publicKey), "SimpleXRootRatchet", 96)
  }
  if (!pq) return
  kem.decapsulate(peer.secretKey, encapsulated)
  kem.encapsulate(peer.publicKey)
  kem.generateKeyPair()
}

function timed(run: () => void): number {
  run()
  const samples = Array.from({ length: 5 }, () => {
    const cpu = process.cpuUsage()
    for (let i = 0; i < RUNS; i++) run()
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / RUNS
  })
  return median(samples)
}
