/**
 * Times what a relay does for every message, each beside another way: `node packages/smp-protocol/bench/blocks.ts`.
 * Rivals run in turns; printed are median and spread in nanoseconds.
 */
import { cpus } from "node:os"
import type { AuthKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { type AuthPrivateKey, verifyAuthorization } from "../src/authorization.ts"
import { batchContent, singleContent, writeBatch } from "../src/batch.ts"
import { type DecodeOptions, decodeBlock, type ReceivedCommand } from "../src/block.ts"
import { SessionBoxKeys } from "../src/box-key-cache.ts"
import { type DeliveredContent, deliveryItem, encryptDelivered } from "../src/delivered-body.ts"
import { encodeOutgoing } from "../src/outgoing.ts"
import { encodeResponse, transmissionParams } from "../src/transmission.ts"

const ROUNDS = 21

/** Keeps results alive, so that the compiler cannot leave the work out. */
let sink = 0

type Job = () => number

function compare(title: string, runsPerRound: number, jobs: Readonly<Record<string, Job>>): void {
  const times = new Map(Object.keys(jobs).map((name): [string, number[]] => [name, []]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < runsPerRound; i++) sink += job()
      const each = Number(process.hrtime.bigint() - start) / runsPerRound
      if (round >= 0) times.get(name)?.push(each) // the first rounds warm up
    }
  }
  console.log(title)
  for (const [name, samples] of times) {
    samples.sort((a, b) => a - b)
    const [low, median, high] = [0.1, 0.5, 0.9].map((part) => samples[Math.floor(part * (ROUNDS - 1))] ?? 0)
    console.log(`  ${name.padEnd(34)} ${median?.toFixed(0).padStart(6)} ns  (${low?.toFixed(0)}..${high?.toFixed(0)})`)
  }
}

const params = transmissionParams(20, new Uint8Array(32))
const id = new Uint8Array(24).fill(7)
const server = c.generateKeyPair("x25519")
const HEADER = 256

/** Content of a block with one SEND of full size. */
function sendBy(key: AuthPrivateKey): Uint8Array {
  const command = { tag: "SEND", flags: { notification: true }, body: new Uint8Array(16_048).fill(0x62) } as const
  const signer = { crypto: c, serverKey: server.publicKey }
  return singleContent(encodeOutgoing(signer, params, { corrId: id, entityId: id, command, key }))
}

/** Decodes a block whose start was perhaps overwritten the last time. */
function decoder(original: Uint8Array, options: DecodeOptions): () => ReceivedCommand {
  const content = original.slice()
  const start = original.slice(0, HEADER)
  return () => {
    content.set(start)
    const [first] = decodeBlock(content, params, options)
    if (first?.ok !== true) throw new Error("not accepted")
    return first
  }
}

const ed25519 = c.generateKeyPair("ed25519")
const inPlace = decoder(sendBy(ed25519.privateKey), { mayOverwrite: true })
const byCopy = decoder(sendBy(ed25519.privateKey), {})

compare("decode a block with one SEND, and what is signed", 20_000, {
  "in place": () => inPlace().signed.bytes().length,
  "by copy": () => byCopy().signed.bytes().length,
})

const x25519 = c.generateKeyPair("x25519")
const authenticated = decoder(sendBy(x25519.privateKey), { mayOverwrite: true })

function verify(decode: () => ReceivedCommand, key: AuthKey, boxKeys: () => SessionBoxKeys): Job {
  return () => {
    const { authorization, signed, corrId } = decode()
    const verifier = { crypto: c, sessionKey: server.privateKey, boxKeys: boxKeys() }
    if (!verifyAuthorization(verifier, [key], authorization, signed.bytes(), corrId)) throw new Error("not authorized")
    return authorization.length
  }
}

const kept = new SessionBoxKeys(10)
compare("decode and verify it", 500, {
  Ed25519: verify(inPlace, ed25519.publicKey, () => kept),
  "X25519, key known to the session": verify(authenticated, x25519.publicKey, () => kept),
  "X25519, new key": verify(authenticated, x25519.publicKey, () => new SessionBoxKeys(1)),
})

const key = c.boxKey(new Uint8Array(32).fill(3))
const message: DeliveredContent = { kind: "message", timestamp: 1, notify: true, body: new Uint8Array(16_048) }
const block = new Uint8Array(16_384)
const noCorrId = new Uint8Array(0)

compare("the content of a block with one MSG", 2_000, {
  "encrypted in the block": () => {
    const item = deliveryItem(c, params, { corrId: noCorrId, recipientId: id, msgId: id, key, content: message })
    return writeBatch({ items: [item], length: 3 + item.length }, block.subarray(18))
  },
  "encrypted, encoded, copied": () => {
    const body = encryptDelivered(c, key, id, message)
    const msg = encodeResponse(params, noCorrId, id, { tag: "MSG", msgId: id, body })
    const content = batchContent({ items: [msg], length: 3 + msg.length })
    block.set(content, 18)
    return content.length
  },
})

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"} (${sink > 0 ? "done" : ""})`)
