import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { BlockStream } from "@sluice/transport/block-stream"
import { connectTls } from "@sluice/transport/tls-client"
import type { Line } from "./crypto.ts"
import { figureOf } from "./measure.ts"

const CONNECTIONS = 32
const BLOCKS = 4000
const ROUNDS = 5

/** CPU time of a server for one block in and one block out, system calls included, one on its way per connection. */
export async function tlsLine(): Promise<Line> {
  const child = fork(join(import.meta.dirname, "tls-echo.ts"))
  const [ready] = (await once(child, "message")) as [{ readonly port: number; readonly fingerprint: number[] }]
  const keyHash = Uint8Array.from(ready.fingerprint)
  const streams: BlockStream[] = []
  for (let i = 0; i < CONNECTIONS; i++) {
    const now = Math.floor(Date.now() / 1000)
    const { socket } = await connectTls({ crypto: nativeCrypto, keyHash, host: "127.0.0.1", port: ready.port, now })
    streams.push(new BlockStream(socket))
  }
  const samples: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const before = await cpuMicroseconds(child)
    await echo(streams, BLOCKS)
    if (round >= 0) samples.push(((await cpuMicroseconds(child)) - before) / BLOCKS)
  }
  for (const stream of streams) stream.destroy()
  child.disconnect()
  return { name: "TLS: a block in and a block out", figure: figureOf(samples), ceiling: "TLS echo of 16 KB" }
}

function echo(streams: readonly BlockStream[], count: number): Promise<void> {
  const block = new Uint8Array(16_384)
  let [sent, back] = [0, 0]
  return new Promise((resolve) => {
    for (const stream of streams) {
      const next = (): void => {
        if (sent++ < count) stream.write(block)
      }
      stream.setHandler({
        onBlock: () => {
          if (++back === count) resolve()
          next()
        },
      })
      stream.resume()
      next()
    }
  })
}

async function cpuMicroseconds(child: ChildProcess): Promise<number> {
  child.send("cpu")
  const [{ user, system }] = (await once(child, "message")) as [NodeJS.CpuUsage]
  return user + system
}
