import { once } from "node:events"
import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { Metrics } from "@sluice/ops/metrics"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { singleContent } from "@sluice/smp-protocol/batch"
import { splitBlock } from "@sluice/smp-protocol/block"
import { plainBlocks } from "@sluice/transport/block-codec"
import { BlockStream } from "@sluice/transport/block-stream"
import { type Credentials, serverCredentials } from "@sluice/transport/credentials"
import { createCa, createLeaf } from "@sluice/transport/identity"
import { connectTls } from "@sluice/transport/tls-client"
import { createBlockServer } from "../src/block-server.ts"
import type { BlockProtocol, BlockSession } from "../src/protocol.ts"
import type { BlockServer } from "../src/server.ts"
import { createServerMetrics, type ServerMetrics } from "../src/server-metrics.ts"
import type { ServerOptions } from "../src/server-options.ts"
import { defaultServerSettings, type ServerSettings } from "../src/server-settings.ts"
import type { Session, SessionEnd, SessionFactory, SessionHandler } from "../src/session-handler.ts"
import type { EventLoop } from "../src/turns.ts"

/** Blocks of a protocol whose commands are texts. Small, so that many of them fit into socket buffers. */
export const TOY_BLOCK = 512

export type ToySession = Session<BlockSession, string>

/** A protocol without a hello; a command is a text, `bad …` is one that doesn't parse. */
export const toyProtocol: BlockProtocol<BlockSession, string> = {
  blockSize: TOY_BLOCK,
  handshake: () => Promise.resolve({ blockCodec: plainBlocks(TOY_BLOCK) }),
  decode(content) {
    const commands: string[] = []
    const errors: Uint8Array[] = []
    const bodies = content === undefined ? undefined : splitBlock(content)
    if (bodies === undefined) return { commands, errors: [utf8("bad block")] }
    for (const body of bodies) {
      let text: string
      try {
        text = fromUtf8(body)
      } catch {
        text = "bad text"
      }
      if (text.startsWith("bad")) errors.push(utf8(`refused ${text}`))
      else commands.push(text)
    }
    return { commands, errors }
  },
  failure: (command) => utf8(`failed ${command}`),
}

const now = Math.floor(Date.now() / 1000)

export function newCredentials(): Credentials {
  const ca = createCa(nativeCrypto, { now })
  const leaf = createLeaf(nativeCrypto, ca, { host: "localhost", now })
  return serverCredentials(nativeCrypto, [leaf.certificate, ca.certificate], leaf.key.privateKey)
}

const shared = newCredentials()

export interface Fixture extends AsyncDisposable {
  readonly server: BlockServer
  readonly metrics: ServerMetrics
  readonly log: RecordingLog
  /** Ends of sessions in their order. */
  readonly ends: SessionEnd[]
  readonly credentials: Credentials
  connect(keyHash?: Uint8Array): Promise<ToyClient>
  port(): number
}

export interface FixtureOptions {
  readonly settings?: Partial<ServerSettings>
  readonly clock?: Clock
  readonly loop?: EventLoop
  readonly protocol?: BlockProtocol<BlockSession, string>
  readonly extra?: Partial<ServerOptions<BlockSession, string>>
  /** The handler of a session; by default it answers each command with itself. */
  readonly handler?: (session: ToySession) => Partial<SessionHandler<string>>
}

/** A started server on loopback. */
export async function serve(options: FixtureOptions = {}): Promise<Fixture> {
  const metrics = createServerMetrics(new Metrics().register)
  const log = recordingLog()
  const ends: SessionEnd[] = []
  const sessions: SessionFactory<BlockSession, string> = (session) => {
    const handler = options.handler?.(session) ?? {}
    return {
      handle: (commands) => commands.map((command) => utf8(command)),
      ...handler,
      closed(end) {
        ends.push(end)
        handler.closed?.(end)
      },
    }
  }
  const server = createBlockServer(
    {
      listen: [{ host: "127.0.0.1", port: 0 }],
      credentials: shared,
      protocol: options.protocol ?? toyProtocol,
      sessions,
      settings: { ...defaultServerSettings, ...options.settings },
      ...options.extra,
    },
    { crypto: nativeCrypto, clock: options.clock ?? systemClock, log, metrics, loop: options.loop },
  )
  await server.start()
  const port = (): number => server.addresses[0]?.port ?? 0
  return {
    server,
    metrics,
    log,
    ends,
    credentials: shared,
    port,
    connect: (keyHash = shared.fingerprint) => ToyClient.connect(port(), keyHash),
    [Symbol.asyncDispose]: () => server.stop(AbortSignal.abort()),
  }
}

/** A client of the toy protocol that sees blocks. */
export class ToyClient {
  readonly stream: BlockStream
  readonly #codec = plainBlocks(TOY_BLOCK)
  readonly #blocks: string[][] = []
  #wake: (() => void) | undefined
  closed: Promise<string>

  constructor(stream: BlockStream) {
    this.stream = stream
    const { promise, resolve } = Promise.withResolvers<string>()
    this.closed = promise
    stream.setHandler({
      onBlock: (block) => {
        const content = this.#codec.decode(block)
        this.#blocks.push((content && splitBlock(content))?.map((body) => fromUtf8(body)) ?? ["?"])
        this.#wake?.()
      },
      onClose: (reason) => {
        resolve(reason)
        this.#wake?.()
      },
    })
    stream.resume()
  }

  static async connect(port: number, keyHash: Uint8Array): Promise<ToyClient> {
    const { socket } = await connectTls({ crypto: nativeCrypto, keyHash, host: "127.0.0.1", port, now })
    return new ToyClient(new BlockStream(socket, { blockSize: TOY_BLOCK }))
  }

  /** Sends commands in one block. */
  send(...commands: string[]): void {
    const parts = commands.map((command) => singleContent(utf8(command)).subarray(1))
    this.stream.write(this.#codec.encode([concatBytes(Uint8Array.of(commands.length), ...parts)]))
  }

  /** The texts of the next block. */
  async next(): Promise<string[]> {
    for (;;) {
      const block = this.#blocks.shift()
      if (block !== undefined) return block
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const end = await Promise.race([woken, this.closed])
      if (typeof end === "string" && this.#blocks.length === 0) throw new Error(`closed: ${end}`)
    }
  }

  get waiting(): number {
    return this.#blocks.length
  }
}

/** Resolves when the condition holds; looks after every turn of the event loop, for a bounded time. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it did not happen in 10 s")
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export { once }
