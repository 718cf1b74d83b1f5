import { once } from "node:events"
import type { TLSSocket } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { goodChain, NOW } from "../test/chains.ts"
import { Loopback, socketOf } from "../test/tls-loopback.ts"
import { BlockStream } from "./block-stream.ts"
import { clientHandshake } from "./client-handshake.ts"
import { type CloseReason, TransportError } from "./errors.ts"
import { serverHandshake } from "./server-handshake.ts"
import { serverTlsOptions } from "./tls.ts"
import { connectTls } from "./tls-client.ts"
import { acceptTls, channelBinding } from "./tls-connection.ts"
import { connectWebSocket, WebSocketAcceptor } from "./websocket.ts"

const identity = goodChain(2)
const acceptor = new WebSocketAcceptor({ timeoutMs: 50 })

/** A TLS connection between a server and a client. */
async function connected(): Promise<{ server: TLSSocket; client: TLSSocket } & AsyncDisposable> {
  const loopback = await Loopback.listen(serverTlsOptions(identity))
  const accepted = loopback.accept()
  const options = { crypto: c, keyHash: identity.fingerprint, host: "127.0.0.1", port: loopback.port, now: NOW }
  const { socket: client } = await connectTls(options)
  return {
    server: socketOf(await accepted),
    client,
    async [Symbol.asyncDispose](): Promise<void> {
      client.destroy()
      await loopback[Symbol.asyncDispose]()
    },
  }
}

async function errorOf(operation: Promise<unknown>): Promise<TransportError> {
  const error = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof TransportError) return error
  throw new Error("was not refused")
}

function closing(stream: BlockStream): Promise<CloseReason> {
  return new Promise((resolve) => {
    stream.setHandler({ onBlock: () => undefined, onClose: resolve })
    stream.resume()
  })
}

describe("WebSockets inside TLS", () => {
  it("carry handshake, blocks in batches, and the end", async () => {
    await using tls = await connected()
    const accepted = acceptTls(tls.server, { crypto: c, now: NOW })
    const sessionId = channelBinding(tls.client.getFinished())
    const [near, far] = await Promise.all([acceptor.accept(tls.server), connectWebSocket(tls.client)])
    const streams = [new BlockStream(near), new BlockStream(far)] as const
    const range = { min: 6, max: 20 }
    const [server, client] = await Promise.all([
      serverHandshake(streams[0], { crypto: c, credentials: identity, range, ...accepted }),
      clientHandshake(streams[1], {
        crypto: c,
        keyHash: identity.fingerprint,
        sessionId,
        serverChain: identity.chain,
      }),
    ])
    const contents: (Uint8Array | undefined)[] = []
    const ended = new Promise<CloseReason>((resolve) => {
      streams[0].setHandler({
        onBlock: (block) => {
          contents.push(server.blockCodec.decode(block))
          streams[0].pause()
          streams[0].resume()
        },
        onClose: resolve,
      })
    })
    streams[0].resume()
    const sent = Array.from({ length: 10 }, (_, i) => new Uint8Array(1000).fill(i))
    streams[1].writeAll(sent.map((content) => client.blockCodec.encode([content])))
    const closed = closing(streams[1])
    streams[1].end()
    expect([await ended, await closed]).toEqual(["ended", "closed"])
    expect(contents).toEqual(sent)
  })

  it.each<[string, string | Uint8Array]>([
    ["too short", new Uint8Array(16_383)],
    ["too long", new Uint8Array(16_385)],
    ["text", "x".repeat(16_384)],
  ])("end with a message that is %s", async (_, message) => {
    await using tls = await connected()
    const webSocket = new WebSocket("ws://localhost/", { createConnection: () => tls.client })
    webSocket.on("error", () => webSocket.terminate())
    const [near] = await Promise.all([acceptor.accept(tls.server), once(webSocket, "open")])
    const closed = closing(new BlockStream(near))
    webSocket.send(message)
    expect(await closed).toBe("failed")
  })

  it("are refused to what is no upgrade, and to those who say nothing", async () => {
    await using plain = await connected()
    const refused = errorOf(acceptor.accept(plain.server))
    plain.client.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    const [answer] = (await once(plain.client, "data")) as [Buffer]
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 426 /)
    expect(await refused).toMatchObject({ problem: { kind: "closed" } })
    await using silent = await connected()
    expect(await errorOf(acceptor.accept(silent.server))).toMatchObject({ problem: { error: { type: "TIMEOUT" } } })
  })

  it("fail for a client whose server is none", async () => {
    await using tls = await connected()
    tls.server.end("not http\r\n\r\n")
    expect(await errorOf(connectWebSocket(tls.client))).toMatchObject({ problem: { error: { type: "CONNECT" } } })
  })
})
