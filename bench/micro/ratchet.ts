// The ratchet beside what its cryptography alone costs: `npm run bench:ratchet`. Every ceiling is measured in the same run,
// by calls of the back end that do the same work with nothing around it. Microseconds, median and spread.
import { cpus } from "node:os"
import { nativeCrypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { decrypt } from "@sluice/ratchet/decrypt"
import { encrypt } from "@sluice/ratchet/encrypt"
import { acceptRatchet, joinRatchet } from "@sluice/ratchet/init"
import { joinerKeys, proposeKeys, publicInvitation, publicParams } from "@sluice/ratchet/keys"
import { paddedMessageLength } from "@sluice/ratchet/sizes"
import { NO_SKIPPED } from "@sluice/ratchet/skipped"
import type { Ratchet } from "@sluice/ratchet/state"
import { type Figure, measure } from "./measure.ts"

const c = { crypto: nativeCrypto, kem: createSntrup761(nativeCrypto) }
const text = new Uint8Array(1000).fill(0x61)

/** Two parties after a message each way, and a packet in the receiver's present chain and in its next one. */
function conversation(pq: boolean): { sender: Ratchet; receiver: Ratchet; same: Uint8Array; next: Uint8Array } {
  const own = proposeKeys(c, pq)
  const invitation = publicInvitation(own, { min: 2, max: 3 })
  const keys = joinerKeys(c, invitation, 3, pq)
  let joiner = joinRatchet(c, keys, invitation, { current: 3, max: 3 })
  let initiator = acceptRatchet(c, own, publicParams(keys, 3), 3, pq)
  const length = paddedMessageLength(5, pq)
  const first = encrypt(c, joiner, text, length)
  initiator = decrypt(c, initiator, NO_SKIPPED, first.packet).state
  const reply = encrypt(c, initiator, text, length)
  const same = encrypt(c, first.state, text, length).packet
  joiner = decrypt(c, first.state, NO_SKIPPED, reply.packet).state
  const next = encrypt(c, joiner, text, length).packet
  return { sender: joiner, receiver: reply.state, same, next }
}

function opened(state: Ratchet, packet: Uint8Array): void {
  if (!decrypt(c, state, NO_SKIPPED, packet).ok) throw new Error("not decrypted")
}

/** One HKDF and AES-GCM over a header and a body: all the cryptography of a message without a step. */
function messageCeiling(header: number, body: number): Figure {
  const key = new Uint8Array(32)
  const iv = new Uint8Array(16)
  const associated = new Uint8Array(112)
  const [plainHeader, plainBody] = [new Uint8Array(header), new Uint8Array(body)]
  return measure(() => {
    nativeCrypto.hkdf(key, key, "SimpleXChainRatchet", 96)
    nativeCrypto.aesGcmEncrypt(key, iv, associated, plainHeader)
    nativeCrypto.aesGcmEncrypt(key, iv, associated, plainBody)
  })
}

/** What a step adds: two X448 secrets, a new key, two HKDF, and with PQ one of each operation of the KEM. */
function stepCeiling(pq: boolean): Figure {
  const own = nativeCrypto.generateKeyPair("x448")
  const peer = c.kem.generateKeyPair()
  const { ciphertext } = c.kem.encapsulate(peer.publicKey)
  const salt = new Uint8Array(32)
  return measure(() => {
    const next = nativeCrypto.generateKeyPair("x448")
    for (const { privateKey } of [own, next]) {
      const secret = nativeCrypto.diffieHellman(privateKey, own.publicKey)
      nativeCrypto.hkdf(salt, secret, "SimpleXRootRatchet", 96)
    }
    if (!pq) return
    c.kem.decapsulate(peer.secretKey, ciphertext)
    c.kem.encapsulate(peer.publicKey)
    c.kem.generateKeyPair()
  })
}

function plus(a: Figure, b: Figure): Figure {
  return { median: a.median + b.median, low: a.low + b.low, high: a.high + b.high }
}

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}\n`)
print("operation", "µs", "spread", "a second", "ceiling", "ratio")
for (const pq of [false, true]) {
  const { sender, receiver, same, next } = conversation(pq)
  const length = paddedMessageLength(5, pq)
  const message = messageCeiling(pq ? 2310 : 88, length)
  const name = pq ? "with PQ" : "no PQ"
  line(
    `encrypt, ${name}, ${length} bytes`,
    measure(() => encrypt(c, sender, text, length)),
    message,
  )
  line(
    `decrypt in the chain, ${name}`,
    measure(() => opened(receiver, same)),
    message,
  )
  line(
    `decrypt with a step, ${name}`,
    measure(() => opened(receiver, next)),
    plus(message, stepCeiling(pq)),
  )
}
const pair = c.kem.generateKeyPair()
const { ciphertext } = c.kem.encapsulate(pair.publicKey)
line(
  "sntrup761 key pair",
  measure(() => c.kem.generateKeyPair()),
)
line(
  "sntrup761 encapsulate",
  measure(() => c.kem.encapsulate(pair.publicKey)),
)
line(
  "sntrup761 decapsulate",
  measure(() => c.kem.decapsulate(pair.secretKey, ciphertext)),
)

function line(name: string, { median, low, high }: Figure, ceiling?: Figure): void {
  const [limit, ratio] = ceiling ? [ceiling.median.toFixed(1), `${(median / ceiling.median).toFixed(2)}x`] : ["", ""]
  const perSecond = Math.round(1e6 / median).toString()
  print(name, median.toFixed(1), `${low.toFixed(1)}..${high.toFixed(1)}`, perSecond, limit, ratio)
}

function print(name: string, here: string, spread: string, rate: string, ceiling: string, ratio: string): void {
  const columns = [here.padStart(8), spread.padStart(18), rate.padStart(9), ceiling.padStart(9), ratio.padStart(6)]
  console.log(`${name.padEnd(38)} ${columns.join(" ")}`)
}
