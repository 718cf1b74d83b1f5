import { duplexPair } from "node:stream"
import { publicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { signKey } from "@sluice/crypto/signed-object"
import { pad } from "@sluice/encoding/padding"
import { describe, expect, it } from "vitest"
import { goodChain, NOW } from "../test/chains.ts"
import { Loopback, socketOf } from "../test/tls-loopback.ts"
import { BLOCK_SIZE, BlockStream } from "./block-stream.ts"
import { type ClientHandshakeOptions, certifiedKeyOf, clientHandshake } from "./client-handshake.ts"
import { TransportError } from "./errors.ts"
import { type CertifiedKey, encodeClientHello, encodeServerHello } from "./hello.ts"
import { announcedRange } from "./negotiation.ts"
import { type ServerHandshakeOptions, serverHandshake } from "./server-handshake.ts"
import type { ClientSession, ServerSession } from "./session.ts"
import { serverTlsOptions } from "./tls.ts"
import { connectTls } from "./tls-client.ts"
import { acceptTls } from "./tls-connection.ts"

const identity = goodChain(2)
const serviceCredentials = goodChain(1)
const sessionId = new Uint8Array(32).fill(3)
const range = { min: 6, max: 20 }

const serverOptions: ServerHandshakeOptions = { crypto: c, credentials: identity, sessionId, range, clientChain: [] }
const clientOptions: ClientHandshakeOptions = {
  crypto: c,
  keyHash: identity.fingerprint,
  sessionId,
  serverChain: identity.chain,
}

type Ended<T> = Promise<T | TransportError>

function ended<T>(handshake: Promise<T>): Ended<T> {
  return handshake.catch((error: unknown) => {
    if (error instanceof TransportError) return error
    throw error
  })
}

/** Both sides in memory. */
function run(
  server: Partial<ServerHandshakeOptions> = {},
  client: Partial<ClientHandshakeOptions> = {},
): { server: Ended<ServerSession>; client: Ended<ClientSession>; streams: [BlockStream, BlockStream] } {
  const [a, b] = duplexPair()
  const streams: [BlockStream, BlockStream] = [new BlockStream(a), new BlockStream(b)]
  return {
    server: ended(serverHandshake(streams[0], { ...serverOptions, ...server })),
    client: ended(clientHandshake(streams[1], { ...clientOptions, ...client })),
    streams,
  }
}

function good<T>(result: T | TransportError): T {
  if (result instanceof TransportError) throw result
  return result
}

function nextBlock(stream: BlockStream): Promise<Uint8Array> {
  return new Promise((resolve) => {
    stream.setHandler({ onBlock: resolve })
    stream.resume()
  })
}

describe("a handshake over TLS", () => {
  it.each(["TLSv1.3", "TLSv1.2"] as const)(
    "%s: gives both sides a session in which blocks arrive",
    async (maxVersion) => {
      await using loopback = await Loopback.listen({ ...serverTlsOptions(identity), maxVersion })
      const accepted = loopback.accept()
      const options = { crypto: c, keyHash: identity.fingerprint, host: "127.0.0.1", port: loopback.port, now: NOW }
      const connected = await connectTls({ ...options, service: serviceCredentials })
      const socket = socketOf(await accepted)
      const { alpn, ...tls } = acceptTls(socket, { crypto: c, now: NOW })
      const streams = [new BlockStream(socket), new BlockStream(connected.socket)] as const
      const serviceId = new Uint8Array(24).fill(9)
      const [server, client] = await Promise.all([
        serverHandshake(streams[0], {
          ...serverOptions,
          ...tls,
          range: announcedRange(range, alpn),
          lookUpService: async () => serviceId,
        }),
        clientHandshake(streams[1], {
          ...clientOptions,
          ...connected,
          service: { role: "N", credentials: serviceCredentials, sentInTls: connected.certificateRequested },
        }),
      ])
      expect(server).toMatchObject({ version: 20, service: { role: "N", serviceId } })
      expect(client).toMatchObject({ version: 20, service: { role: "N", serviceId }, serverRange: range })
      expect(server.service?.fingerprint).toEqual(serviceCredentials.fingerprint)
      expect(server.service?.sessionKey).toEqual(client.service?.sessionKey.publicKey)
      expect(client.serverKey).toEqual(server.sessionKey?.publicKey)
      expect(server.clientKey).toEqual(client.sessionKey?.publicKey)
      expect(client.blockCodec.maxContent).toBe(16_366)
      const content = Uint8Array.of(1, 2, 3)
      const arrived = nextBlock(streams[0])
      streams[1].write(client.blockCodec.encode([content]))
      expect(server.blockCodec.decode(await arrived)).toEqual(content)
      const back = nextBlock(streams[1])
      streams[0].write(server.blockCodec.encode([content]))
      expect(client.blockCodec.decode(await back)).toEqual(content)
    },
  )
})

describe("a handshake", () => {
  it("leaves a block that follows it to the session's handler", async () => {
    const { server, client, streams } = run()
    const clientSession = good(await client)
    streams[1].write(clientSession.blockCodec.encode([Uint8Array.of(7)]))
    const serverSession = good(await server)
    expect(serverSession.blockCodec.decode(await nextBlock(streams[0]))).toEqual(Uint8Array.of(7))
  })

  it("makes new keys for every connection", async () => {
    const [first, second] = [run(), run()]
    const keys = [good(await first.client).serverKey, good(await second.client).serverKey]
    expect(keys[0]).not.toEqual(keys[1])
    expect(good(await first.server).sessionSecret).not.toEqual(good(await second.server).sessionSecret)
  })

  it("hands a proxy what it passes on, which its client can check", async () => {
    const session = good(await run({}, { proxyServer: true }).client)
    const certified = session.certifiedServerKey
    expect(session.proxyServer).toBe(true)
    if (certified === undefined) throw new Error("no key")
    const leaf = certified.chain[0] ?? new Uint8Array()
    expect(certifiedKeyOf(c, certified, identity.fingerprint, leaf)).toEqual(session.serverKey)
  })

  it("ends in time on either side", async () => {
    const timeout = { problem: { kind: "network", error: { type: "TIMEOUT" } } }
    const silent = (): BlockStream => new BlockStream(duplexPair()[0])
    expect(await ended(serverHandshake(silent(), { ...serverOptions, timeoutMs: 5 }))).toMatchObject(timeout)
    expect(await ended(clientHandshake(silent(), { ...clientOptions, timeoutMs: 5 }))).toMatchObject(timeout)
  })

  it("ends when told to, at once or later", async () => {
    const closed = { problem: { kind: "closed", reason: "closed" } }
    const stream = new BlockStream(duplexPair()[0])
    expect(await ended(serverHandshake(stream, { ...serverOptions, signal: AbortSignal.abort() }))).toMatchObject(
      closed,
    )
    expect(stream.writable).toBe(false)
    const giveUp = new AbortController()
    const waiting = ended(
      clientHandshake(new BlockStream(duplexPair()[0]), { ...clientOptions, signal: giveUp.signal }),
    )
    giveUp.abort()
    expect(await waiting).toMatchObject(closed)
  })

  it.each([
    ["between blocks", new Uint8Array(), "ended"],
    ["inside a block", new Uint8Array(5), "cut"],
  ])("ends when the peer does so %s", async (_, sent, reason) => {
    const [near, far] = duplexPair()
    const result = ended(serverHandshake(new BlockStream(near), serverOptions))
    far.resume()
    far.end(sent)
    expect(await result).toMatchObject({ problem: { kind: "closed", reason }, retryable: true })
  })

  it("ends with LARGE_MSG when a hello's padding is wrong", async () => {
    const [near, far] = duplexPair()
    far.write(new Uint8Array(BLOCK_SIZE).fill(0xff))
    expect(await ended(clientHandshake(new BlockStream(near), clientOptions))).toMatchObject({ code: "LARGE_MSG" })
  })
})

describe("services", () => {
  const service = { role: "N" as const, credentials: serviceCredentials, sentInTls: true }
  const withService = { clientChain: serviceCredentials.chain }
  const refused = { problem: { kind: "protocol", error: "HANDSHAKE BAD_SERVICE" } }

  it.each<[string, Partial<ServerHandshakeOptions>]>([
    ["nothing to look them up", {}],
    ["an unsuitable record", { lookUpService: async () => undefined }],
    ["a failing store", { lookUpService: () => Promise.reject(new Error("store")) }],
    [
      "a store that throws",
      {
        lookUpService: () => {
          throw new Error("store")
        },
      },
    ],
  ])("are refused where there is %s", async (_, options) => {
    const { server, client } = run({ ...withService, ...options }, { service })
    expect(await client).toMatchObject(refused)
    expect(await server).toMatchObject(refused)
  })

  it("do not get a session after the connection was given up during the look-up", async () => {
    const giveUp = new AbortController()
    const lookUpService = () => {
      giveUp.abort()
      return new Promise<never>(() => undefined)
    }
    const { server } = run({ ...withService, lookUpService, signal: giveUp.signal }, { service })
    expect(await server).toMatchObject({ problem: { kind: "closed" } })
  })

  it("need a chain that was shown in TLS, all of it", async () => {
    const bad = { problem: { kind: "protocol", error: "HANDSHAKE BAD_AUTH" } }
    for (const clientChain of [[], goodChain(1).chain, [...serviceCredentials.chain, ...identity.chain]]) {
      const { server, client } = run({ clientChain, lookUpService: async () => sessionId }, { service })
      expect(await client).toMatchObject(bad)
      expect(await server).toMatchObject(bad)
    }
  })

  it("with five certificates are refused even if TLS let them pass", async () => {
    const five = goodChain(5)
    const { client } = run({ clientChain: five.chain }, { service: { ...service, credentials: five } })
    expect(await client).toMatchObject({ code: "HANDSHAKE BAD_AUTH" })
  })

  it("expect an answer that can be read", async () => {
    const [near, far] = duplexPair()
    const key = {
      chain: identity.chain,
      signedKey: signKey(c, identity.leafKey, c.generateKeyPair("x25519").publicKey),
    }
    far.write(pad(encodeServerHello({ range, sessionId, key }), BLOCK_SIZE))
    far.write(pad(Uint8Array.of(0x58), BLOCK_SIZE))
    const result = ended(clientHandshake(new BlockStream(near), { ...clientOptions, service }))
    expect(await result).toMatchObject({ code: "HANDSHAKE PARSE" })
  })
})

describe("a client", () => {
  /** The client's result with a server that says this about its key. */
  async function against(key: CertifiedKey | undefined): Ended<ClientSession> {
    const [near, far] = duplexPair()
    far.write(pad(encodeServerHello({ range, sessionId, key }), BLOCK_SIZE))
    return ended(clientHandshake(new BlockStream(near), clientOptions))
  }

  const { chain, leafKey } = identity
  const sessionKey = c.generateKeyPair("x25519").publicKey

  it("goes on without a key where the server's does not parse", async () => {
    const result = good(await against({ chain: [Uint8Array.of(1)], signedKey: signKey(c, leafKey, sessionKey) }))
    expect([result.serverKey, result.sessionSecret, result.version]).toEqual([undefined, undefined, 20])
    expect(result.blockCodec.maxContent).toBe(16_382)
  })

  it.each<[string, CertifiedKey]>([
    ["signed by another key", { chain, signedKey: signKey(c, goodChain(2).leafKey, sessionKey) }],
    ["of another kind", { chain, signedKey: signKey(c, leafKey, c.generateKeyPair("ed25519").publicKey) }],
    ["of a point of low order", { chain, signedKey: signKey(c, leafKey, publicKey("x25519", new Uint8Array(32))) }],
    ["of a chain of one", { chain: chain.slice(0, 1), signedKey: signKey(c, leafKey, sessionKey) }],
    [
      "of a chain of five",
      { chain: [...chain, ...chain, ...chain].slice(0, 5), signedKey: signKey(c, leafKey, sessionKey) },
    ],
    ["of another server", { chain: goodChain(2).chain, signedKey: signKey(c, leafKey, sessionKey) }],
  ])("refuses a key %s", async (_, key) => {
    expect(await against(key)).toMatchObject({ code: "HANDSHAKE BAD_AUTH" })
  })

  it("takes the key of the TLS connection, whatever leaf the hello shows", async () => {
    const other = goodChain(1).chain
    const result = await against({ chain: [...other, ...chain.slice(1)], signedKey: signKey(c, leafKey, sessionKey) })
    expect(good(result).serverKey).toEqual(sessionKey)
  })

  it("needs the TLS certificate to believe a key", async () => {
    const { client } = run({}, { serverChain: [] })
    expect(await client).toMatchObject({ code: "HANDSHAKE BAD_AUTH" })
  })
})

describe("a server", () => {
  it("closes on a client key of low order", async () => {
    const [near, far] = duplexPair()
    const hello = { version: 20, keyHash: identity.fingerprint, proxyServer: false }
    const content = encodeClientHello({ ...hello, sessionKey: publicKey("x25519", new Uint8Array(32)) })
    far.write(pad(content, BLOCK_SIZE))
    const result = ended(serverHandshake(new BlockStream(near), serverOptions))
    expect(await result).toMatchObject({ code: "HANDSHAKE BAD_AUTH" })
  })
})
