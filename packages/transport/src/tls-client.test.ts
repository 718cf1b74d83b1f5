import { once } from "node:events"
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { describe, expect, it } from "vitest"
import { chainOf, goodChain, NOW, type Part } from "../test/chains.ts"
import { Loopback, socketOf } from "../test/tls-loopback.ts"
import type { Credentials } from "./credentials.ts"
import { TransportError } from "./errors.ts"
import { serverTlsOptions } from "./tls.ts"
import { type ConnectedTls, type ConnectTlsOptions, connectTls, tuneTcp } from "./tls-client.ts"
import { acceptTls, peerChain } from "./tls-connection.ts"

type Result = ConnectedTls | TransportError

async function connectTo(port: number, options: Partial<ConnectTlsOptions> & { keyHash: Uint8Array }): Promise<Result> {
  try {
    return await connectTls({ crypto: c, host: "127.0.0.1", port, now: NOW, ...options })
  } catch (error) {
    if (error instanceof TransportError) return error
    throw error
  }
}

/** One connection to a server with these credentials. */
async function visit(server: Credentials, options: Partial<ConnectTlsOptions> = {}): Promise<Result> {
  await using loopback = await Loopback.listen(serverTlsOptions(server))
  const accepted = loopback.accept()
  const result = await connectTo(loopback.port, { keyHash: server.fingerprint, ...options })
  if (!(result instanceof TransportError)) result.socket.destroy()
  await accepted
  return result
}

const DAY = 86_400

describe("what a client makes of the server's certificates", () => {
  it.each([
    [2, "ed25519"],
    [3, "ed25519"],
    [4, "ed25519"],
    [2, "ed448"],
    [4, "ed448"],
  ] as const)("accepts %i certificates with %s", async (length, algorithm) => {
    const server = goodChain(length, algorithm)
    const result = await visit(server)
    expect(result).toMatchObject({ serverChain: server.chain, certificateRequested: true })
  })

  it.each<[string, readonly Part[], string]>([
    ["one certificate", [{}], "TLS server certificate MALFORMED"],
    ["five certificates", [{}, {}, {}, {}, {}], "TLS server certificate MALFORMED"],
    ["an expired leaf", [{ notAfter: NOW - 1 }, {}], "TLS server certificate EXPIRED"],
    ["a leaf of the future", [{ notBefore: NOW + 1 }, {}], "TLS server certificate NOT_YET_VALID"],
    ["a leaf by somebody else", [{ forged: true }, {}], "TLS server certificate BAD_SIGNATURE"],
    ["an expired identity below a CA", [{}, { notAfter: NOW - DAY }, {}], "TLS server certificate EXPIRED"],
    ["an identity by somebody else", [{}, { forged: true }, {}], "TLS server certificate BAD_SIGNATURE"],
    ["an identity that is no CA", [{}, { ca: false }, {}], "TLS server certificate NOT_A_CA"],
    ["a third of four that is no CA", [{}, {}, { ca: false }, {}], "TLS server certificate NOT_A_CA"],
  ])("refuses %s", async (_, parts, message) => {
    const result = await visit(chainOf("ed25519", ...parts))
    expect(result).toBeInstanceOf(TransportError)
    expect(result).toMatchObject({ message, retryable: true })
  })

  it.each<[string, readonly Part[]]>([
    ["dates of the CA itself", [{}, { notAfter: NOW - DAY }]],
    ["the CA flag of the CA itself", [{}, { ca: false }]],
    ["how the CA itself is signed", [{}, { forged: true }]],
  ])("does not look at %s", async (_, parts) => {
    expect(await visit(chainOf("ed25519", ...parts))).not.toBeInstanceOf(TransportError)
  })

  it.each([2, 3, 4])("refuses a chain of %i whose second certificate is not in the address", async (length) => {
    const server = goodChain(length)
    for (const [at, der] of server.chain.entries()) {
      const result = await visit(server, { keyHash: c.sha256(der) })
      if (at === 1) expect(result).not.toBeInstanceOf(TransportError)
      else
        expect(result).toMatchObject({ problem: { kind: "network", error: { type: "UNKNOWNCA" } }, retryable: false })
    }
  })

  it("looks at the time it is given", async () => {
    const server = goodChain(2)
    expect(await visit(server, { now: NOW + 2 * DAY })).toMatchObject({ message: "TLS server certificate EXPIRED" })
  })
})

describe("what a server makes of a client's certificates", () => {
  const server = goodChain(2)

  /** The server's verdict on a client that shows these. */
  async function present(service: Credentials | undefined): Promise<readonly Uint8Array[] | string> {
    await using loopback = await Loopback.listen(serverTlsOptions(server))
    const accepted = loopback.accept()
    const result = await connectTo(loopback.port, { keyHash: server.fingerprint, service })
    if (result instanceof TransportError) throw result
    const socket = socketOf(await accepted)
    try {
      return acceptTls(socket, { crypto: c, now: NOW }).clientChain
    } catch (error) {
      return error instanceof TransportError ? error.message : "other"
    } finally {
      result.socket.destroy()
      socket.destroy()
    }
  }

  it("does without", async () => {
    expect(await present(undefined)).toEqual([])
  })

  it.each([1, 2, 3, 4])("accepts %i", async (length) => {
    const service = goodChain(length, length === 2 ? "ed448" : "ed25519")
    expect(await present(service)).toEqual(service.chain)
  })

  it.each<[string, readonly Part[], string]>([
    ["five", [{}, {}, {}, {}, {}], "MALFORMED"],
    ["an expired one", [{ notAfter: NOW - 1 }], "EXPIRED"],
    ["one of the future", [{ notBefore: NOW + 1 }], "NOT_YET_VALID"],
    ["one that it did not sign itself", [{ forged: true }], "BAD_SIGNATURE"],
    ["two, the first expired", [{ notAfter: NOW - 1 }, {}], "EXPIRED"],
    ["two, the first by somebody else", [{ forged: true }, {}], "BAD_SIGNATURE"],
    ["three, the second no CA", [{}, { ca: false }, {}], "NOT_A_CA"],
  ])("refuses %s", async (_, parts, reason) => {
    expect(await present(chainOf("ed25519", ...parts))).toBe(`TLS client certificate ${reason}`)
  })

  it("sees them in the order they were sent, related or not", async () => {
    const [a, b] = [goodChain(1), goodChain(2)]
    const odd: Credentials = { ...a, chain: [...a.chain, ...b.chain], chainPem: a.chainPem + b.chainPem }
    await using loopback = await Loopback.listen(serverTlsOptions(server))
    const accepted = loopback.accept()
    const result = await connectTo(loopback.port, { keyHash: server.fingerprint, service: odd })
    expect(result).not.toBeInstanceOf(TransportError)
    expect(peerChain(socketOf(await accepted))).toEqual(odd.chain)
  })

  it("is asked by a client whether it wants one", async () => {
    const options = { ...serverTlsOptions(server), requestCert: false }
    await using loopback = await Loopback.listen(options)
    const result = await connectTo(loopback.port, { keyHash: server.fingerprint, service: goodChain(1) })
    expect(result).toMatchObject({ certificateRequested: false })
    if (!(result instanceof TransportError)) result.socket.destroy()
  })
})

describe("connecting", () => {
  const keyHash = new Uint8Array(32)

  /** A TCP server that does `greet` with each connection. */
  async function tcpServer(greet: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => socket.destroy()))
      greet(socket)
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    return {
      port: (server.address() as AddressInfo).port,
      async [Symbol.asyncDispose](): Promise<void> {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, "close")
      },
    }
  }

  it("fails with CONNECT where nobody listens", async () => {
    const port = await (async () => {
      await using server = await tcpServer(() => undefined)
      return server.port
    })()
    expect(await connectTo(port, { keyHash })).toMatchObject({ message: "CONNECT ECONNREFUSED", retryable: true })
  })

  it("fails with TLS where no TLS is spoken, and where the connection closes", async () => {
    await using chatty = await tcpServer((socket) => socket.write("220 not tls\r\n"))
    expect(await connectTo(chatty.port, { keyHash })).toMatchObject({ problem: { error: { type: "TLS" } } })
    await using shy = await tcpServer((socket) => socket.end())
    expect(await connectTo(shy.port, { keyHash })).toMatchObject({ problem: { error: { type: "TLS" } } })
  })

  it("fails with TIMEOUT where nobody answers", async () => {
    await using silent = await tcpServer(() => undefined)
    const result = await connectTo(silent.port, { keyHash, timeoutMs: 20 })
    expect(result).toMatchObject({ problem: { kind: "network", error: { type: "TIMEOUT" } } })
  })

  it("is given up when told so, before and meanwhile", async () => {
    await using silent = await tcpServer(() => undefined)
    const closed = { problem: { kind: "closed", reason: "closed" } }
    expect(await connectTo(silent.port, { keyHash, signal: AbortSignal.abort() })).toMatchObject(closed)
    const giveUp = new AbortController()
    const result = connectTo(silent.port, { keyHash, signal: giveUp.signal })
    giveUp.abort()
    expect(await result).toMatchObject(closed)
  })

  it("works through a connection that is there already", async () => {
    const server = goodChain(2)
    await using loopback = await Loopback.listen(serverTlsOptions(server))
    const socket = connectTcp(loopback.port, "127.0.0.1")
    await once(socket, "connect")
    const result = await connectTo(0, { keyHash: server.fingerprint, socket })
    expect(result).not.toBeInstanceOf(TransportError)
    socket.destroy()
  })

  it("sets the socket up for whole blocks and for finding dead peers", () => {
    const calls: unknown[][] = []
    const socket = {
      setNoDelay: (...given: unknown[]) => calls.push(["noDelay", ...given]),
      setKeepAlive: (...given: unknown[]) => calls.push(["keepAlive", ...given]),
    }
    tuneTcp(socket as unknown as Socket, { idleMs: 30_000, intervalMs: 15_000, count: 4 })
    tuneTcp(socket as unknown as Socket, false)
    expect(calls).toEqual([
      ["noDelay", true],
      ["keepAlive", true, 30_000, 15_000, 4],
      ["noDelay", true],
    ])
  })
})
