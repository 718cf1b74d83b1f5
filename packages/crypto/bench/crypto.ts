/**
 * Times the operations of a relay's hot path on both back ends, and HKDF in three ways:
 * `node packages/crypto/bench/crypto.ts`. Rivals run in turns; printed are median and spread in microseconds.
 */
import { createHmac, hkdfSync } from "node:crypto"
import { cpus } from "node:os"
import { makeAuthenticator, verifyAuthenticator } from "../src/authenticator.ts"
import type { CryptoBackend } from "../src/backend.ts"
import { nextBlockKey } from "../src/chain.ts"
import { nativeCrypto } from "../src/native.ts"
import { portableCrypto } from "../src/portable.ts"

const ROUNDS = 11
const ROUND_MILLISECONDS = 20

type Job = () => unknown

/** Runs a job for about 20 ms and gives the time of one run in microseconds. */
function time(job: Job): number {
  const start = performance.now()
  let runs = 0
  while (performance.now() - start < ROUND_MILLISECONDS) {
    for (let i = 0; i < 4; i++) job()
    runs += 4
  }
  return ((performance.now() - start) * 1000) / runs
}

function compare(title: string, jobs: Readonly<Record<string, Job>>): void {
  const times = new Map(Object.keys(jobs).map((name): [string, number[]] => [name, []]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const each = time(job)
      if (round >= 0) times.get(name)?.push(each) // the first rounds warm up
    }
  }
  console.log(title)
  for (const [name, samples] of times) {
    samples.sort((a, b) => a - b)
    const [low, median, high] = [0.1, 0.5, 0.9].map((part) => samples[Math.floor(part * (ROUNDS - 1))]?.toFixed(2))
    console.log(`  ${name.padEnd(24)} ${median?.padStart(9)} µs  (${low}..${high})`)
  }
}

function compareBackends(title: string, job: (c: CryptoBackend) => Job): void {
  compare(title, { native: job(nativeCrypto), portable: job(portableCrypto) })
}

const secret = new Uint8Array(32).fill(1)
const nonce = new Uint8Array(24).fill(2)
const command = new Uint8Array(300).fill(3)
const block = new Uint8Array(16_384).fill(4)
const content = new Uint8Array(16_368)

console.log(`${cpus()[0]?.model}, Node ${process.version}`)

compareBackends("seal a block of 16384 bytes in place", (c) => {
  const key = c.boxKey(secret)
  return () => c.seal(key, nonce, block.subarray(16), block)
})
compareBackends("open a block of 16384 bytes", (c) => {
  const key = c.boxKey(secret)
  const packet = c.seal(key, nonce, content)
  return () => c.open(key, nonce, packet, content)
})
compareBackends("step of a block key chain", (c) => () => nextBlockKey(c, secret))
compareBackends("key of a box (HSalsa20)", (c) => () => c.boxKey(secret))
compareBackends("check an authenticator with a kept key", (c) => {
  const key = c.boxKey(secret)
  const authenticator = makeAuthenticator(c, key, nonce, command)
  return () => verifyAuthenticator(c, key, nonce, command, authenticator)
})
for (const algorithm of ["x25519", "x448"] as const) {
  compareBackends(`${algorithm} secret`, (c) => {
    const { privateKey, publicKey } = c.generateKeyPair(algorithm)
    return () => c.diffieHellman(privateKey, publicKey)
  })
}
for (const algorithm of ["ed25519", "ed448"] as const) {
  compareBackends(`${algorithm} verify 300 bytes`, (c) => {
    const { privateKey, publicKey } = c.generateKeyPair(algorithm)
    const signature = c.sign(privateKey, command)
    return () => c.verify(publicKey, command, signature)
  })
}

const info = "SimpleXSbChain"
const empty = new Uint8Array(0)
const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => {
  const mac = createHmac("sha512", key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}
compare("HKDF-SHA-512, 88 bytes", {
  "libsodium's hash": () => nativeCrypto.hkdf(empty, secret, info, 88),
  "node:crypto hkdfSync": () => hkdfSync("sha512", secret, empty, info, 88),
  "node:crypto createHmac": () => {
    const prk = hmac(new Uint8Array(64), secret)
    const first = hmac(prk, Buffer.from(info), Uint8Array.of(1))
    return hmac(prk, first, Buffer.from(info), Uint8Array.of(2))
  },
})
