/**
 * Times the path of a block: `node packages/transport/bench/blocks.ts`. Rivals run in turns; printed are median and
 * spread in microseconds. For TLS it is processor time of both ends together, which live in this process.
 */
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { cpus } from "node:os"
import { createServer, type TLSSocket } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes } from "@sluice/encoding/bytes"
import { BlockCipher, blockChains } from "../src/block-cipher.ts"
import { type BlockCodec, plainBlocks } from "../src/block-codec.ts"
import { BlockStream } from "../src/block-stream.ts"
import { serverCredentials } from "../src/credentials.ts"
import { createCa, createLeaf } from "../src/identity.ts"
import { serverTlsOptions } from "../src/tls.ts"
import { connectTls } from "../src/tls-client.ts"

const ROUNDS = 9

/** A job returns the time of one unit in microseconds. */
type Job = () => number | Promise<number>

async function compare(title: string, jobs: Readonly<Record<string, Job>>): Promise<void> {
  const times = new Map(Object.keys(jobs).map((name): [string, number[]] => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const each = await job()
      if (round >= 0) times.get(name)?.push(each) // the first round warms up
    }
  }
  console.log(title)
  for (const [name, samples] of times) {
    samples.sort((a, b) => a - b)
    const [low, median, high] = [0.1, 0.5, 0.9].map((part) => samples[Math.floor(part * (ROUNDS - 1))]?.toFixed(1))
    console.log(`  ${name.padEnd(32)} ${median?.padStart(8)} µs  (${low}..${high})`)
  }
}

function wall(job: () => unknown, runs = 1500): Job {
  return () => {
    const start = performance.now()
    for (let i = 0; i < runs; i++) job()
    return ((performance.now() - start) * 1000) / runs
  }
}

const secret = new Uint8Array(32).fill(1)
const cipher = (): BlockCodec => new BlockCipher(c, blockChains(c, "server", secret, secret))
const parts = Array.from({ length: 5 }, (_, i) => new Uint8Array(3200).fill(i))

console.log(`${cpus()[0]?.model}, Node ${process.version}`)

const [plain, encrypted] = [plainBlocks(), cipher()]
await compare("make a block of 5 transmissions, 16000 bytes", {
  "encrypted, parts": wall(() => encrypted.encode(parts)),
  "encrypted, joined before": wall(() => encrypted.encode([concatBytes(...parts)])),
  "plain, parts": wall(() => plain.encode(parts)),
  "plain, joined before": wall(() => plain.encode([concatBytes(...parts)])),
})

const now = Math.floor(Date.now() / 1000)
const ca = createCa(c, { now })
const leaf = createLeaf(c, ca, { now, host: "localhost" })
const credentials = serverCredentials(c, [leaf.certificate, ca.certificate], leaf.key.privateKey)
const server = createServer(serverTlsOptions(credentials)).listen(0, "127.0.0.1")
await once(server, "listening")
const { port } = server.address() as AddressInfo
const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>
const client = await connectTls({ crypto: c, keyHash: credentials.fingerprint, host: "127.0.0.1", port, now })
const [socket] = await accepted
const sender = new BlockStream(client.socket)
const receiver = new BlockStream(socket)

/** Sends batches of four blocks and waits for each to arrive. */
function transfer(write: (blocks: readonly Uint8Array[]) => void, batches = 300): Job {
  const blocks = Array.from({ length: 4 }, () => new Uint8Array(16_384))
  return async () => {
    const before = process.cpuUsage()
    for (let i = 0; i < batches; i++) {
      let missing = blocks.length
      const arrived = new Promise<void>((resolve) => {
        receiver.setHandler({
          onBlock: () => {
            if (--missing === 0) resolve()
          },
        })
      })
      receiver.resume()
      write(blocks)
      await arrived
    }
    const used = process.cpuUsage(before)
    return (used.user + used.system) / (batches * blocks.length)
  }
}

await compare("carry a block through TLS, four at a time", {
  "one write each": transfer((blocks) => {
    for (const block of blocks) sender.write(block)
  }),
  "one write for all": transfer((blocks) => sender.writeAll(blocks)),
})

sender.destroy()
receiver.destroy()
server.close()
