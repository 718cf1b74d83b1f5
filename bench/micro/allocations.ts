// What one SEND of 16 KB allocates on its way from the received block into the store: `npm run bench:allocations`.
// The body that the store is given must be a view on the received block; the figure shows that nothing copies it.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto as crypto } from "@sluice/crypto/native"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { Client } from "@sluice/relay/client"
import { processUnit } from "@sluice/relay/process-unit"
import { createRelayCore } from "@sluice/relay/relay-core"
import { DEFAULT_POLICY } from "@sluice/relay/settings"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeBlock } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import { encodeOutgoing } from "@sluice/smp-protocol/outgoing"
import { transmissionParams } from "@sluice/smp-protocol/transmission"
import { BlockCipher, blockChains } from "@sluice/transport/block-cipher"

const COUNT = 64
const VERSION = 20

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"))
const lmdb = await openLmdbStore({ folder })
const blocks = new Set<ArrayBufferLike>()
let views = 0
let storing = true
const store: QueueStore = Object.create(lmdb, {
  enqueue: {
    value: (...args: Parameters<QueueStore["enqueue"]>) => {
      if (blocks.has(args[1].body.buffer)) views++
      return storing
        ? lmdb.enqueue(...args)
        : Promise.resolve({ result: "stored", wasEmpty: false, notified: false, expired: 0 })
    },
  },
})

const secret = crypto.randomBytes(32)
const sessionId = crypto.randomBytes(32)
const params = transmissionParams(VERSION, sessionId)
const serverKey = crypto.generateKeyPair("x25519")
const senderKey = crypto.generateKeyPair("x25519")
const queue = {
  recipientId: crypto.randomBytes(24),
  senderId: crypto.randomBytes(24),
  recipientKeys: [encodePublicKey(crypto.generateKeyPair("ed25519").publicKey)],
  rcvDhSecret: crypto.randomBytes(32),
  senderKey: encodePublicKey(senderKey.publicKey),
  queueMode: "messaging",
  status: { tag: "active" },
  updatedAt: Math.floor(Date.now() / 86_400_000) * 86_400,
} as const
await store.createQueue(queue)

const relay = createRelayCore({
  policy: { ...DEFAULT_POLICY, messageQuota: 10_000 },
  store,
  crypto,
  clock: systemClock,
  log: silentLog,
  node: "bench",
})
const client = new Client({
  version: VERSION,
  sessionId,
  verifier: { crypto, sessionKey: serverKey.privateKey, boxKeys: new SessionBoxKeys(8) },
  push: () => undefined,
  congested: false,
  room: () => Promise.resolve(),
  turn: () => Promise.resolve(),
})
const [sending, receiving] = (["client", "server"] as const).map(
  (side) => new BlockCipher(crypto, blockChains(crypto, side, sessionId, secret)),
) as [BlockCipher, BlockCipher]
const body = new Uint8Array(16_048).fill(7)

function received(): Uint8Array {
  const command = { tag: "SEND", flags: { notification: false }, body } as const
  const outgoing = { corrId: crypto.randomBytes(24), entityId: queue.senderId, command, key: senderKey.privateKey }
  const transmission = encodeOutgoing({ crypto, serverKey: serverKey.publicKey }, params, outgoing)
  return sending.encode([singleContent(transmission)])
}

async function process64(): Promise<number> {
  const incoming = Array.from({ length: COUNT }, received)
  for (const block of incoming) blocks.add(block.buffer)
  // Twice, with a turn in between: memory of buffers is given back after the collection that finds them.
  collect()
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  const before = process.memoryUsage().arrayBuffers
  for (const block of incoming) {
    const content = receiving.decode(block)
    if (content === undefined) throw new Error("a block did not decrypt")
    const commands = decodeBlock(content, params, { mayOverwrite: true }).filter((item) => item.ok)
    const { answers } = await processUnit(relay, client, commands, () => undefined)
    if (answers[0]?.message.tag !== "OK") throw new Error("a message was refused")
  }
  return (process.memoryUsage().arrayBuffers - before) / COUNT
}

/** Median of three, after one to warm up. */
async function bytesPerSend(): Promise<number> {
  await process64()
  const samples = [await process64(), await process64(), await process64()].sort((a, b) => a - b)
  return Math.round(samples[1] ?? Number.NaN)
}

const stored = await bytesPerSend()
storing = false
const handed = await bytesPerSend()
console.log(`bodies that were views on their received block: ${views} of ${8 * COUNT}`)
console.log(`bytes of new buffers per SEND of 16,048 bytes, up to the store: ${handed}`)
console.log(`bytes of new buffers per SEND of 16,048 bytes, with the store: ${stored}`)
await store.close()
await rm(folder, { recursive: true, force: true })
