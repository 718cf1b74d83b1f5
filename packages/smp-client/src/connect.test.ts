import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { Duplex } from "node:stream"
import { nativeCrypto } from "@sluice/crypto/native"
import { expect, test } from "vitest"
import { CREDENTIALS, FakeServer, newCredentials } from "../test/fake-server.ts"
import { ManualClock } from "../test/manual-clock.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"
import { tcpDial } from "./dial.ts"

test("agrees on the highest version and is told what the session is", async () => {
  await using server = await FakeServer.start({ range: { min: 6, max: 18 } })
  await using connection = await connect(server.address)
  expect(connection.session.version).toBe(18)
  expect(connection.open).toBe(true)
  const peer = await server.connection()
  expect(peer.session.sessionId).toEqual(connection.session.sessionId)
  expect(peer.session.proxyServer).toBe(false)
})

test("a version range of its own, and a proxy's flag", async () => {
  await using server = await FakeServer.start()
  await using old = await connect(server.address, { range: { min: 6, max: 7 } })
  expect(old.session.version).toBe(7)
  await using proxy = await connect(server.address, { proxyServer: true })
  expect((await server.connection(1)).session.proxyServer).toBe(true)
  expect(proxy.session.blockCodec.maxContent).toBe(16_382)

  await using relay = await FakeServer.start({ range: { min: 6, max: 12 } })
  await using lower = await connect(relay.address, { proxyServer: true })
  expect(lower.session.version).toBe(10)
})

test("no common version", async () => {
  await using server = await FakeServer.start({ range: { min: 6, max: 8 } })
  const error = problem(connect(server.address, { range: { min: 9, max: 20 } }))
  expect(await error).toEqual({ code: "TRANSPORT", error: "VERSION" })
})

test("another identity than the address says", async () => {
  await using server = await FakeServer.start()
  const address = { ...server.address, keyHash: newCredentials().fingerprint }
  expect(await problem(connect(address))).toEqual({ code: "CONNECT", stage: "IDENTITY" })
})

test("a hello with the session id of another connection", async () => {
  await using server = await FakeServer.start({
    handshake: (options) => ({ ...options, sessionId: new Uint8Array(32) }),
  })
  expect(await problem(connect(server.address))).toEqual({ code: "TRANSPORT", error: "SESSION" })
})

test("a session key that is not signed by the certificate of the connection", async () => {
  const { leafKey } = newCredentials()
  await using server = await FakeServer.start({
    handshake: (options) => ({ ...options, credentials: { ...CREDENTIALS, leafKey } }),
  })
  expect(await problem(connect(server.address))).toEqual({ code: "TRANSPORT", error: "HANDSHAKE BAD_AUTH" })
})

test("hosts are tried in order, and onion names need a dialer", async () => {
  await using server = await FakeServer.start()
  const dialed: string[] = []
  const hosts = ["unreachable.invalid", "127.0.0.1", "127.0.0.2"]
  await using _ = await connect(
    { ...server.address, hosts },
    {
      dial: (target, signal) => {
        dialed.push(target.host)
        if (target.host === "unreachable.invalid") return Promise.reject(new Error("no such host"))
        return tcpDial()(target, signal)
      },
    },
  )
  expect(dialed).toEqual(["unreachable.invalid", "127.0.0.1"])
  await using direct = await connect({ ...server.address, hosts: ["abc.onion", "127.0.0.1"] })
  expect(direct.open).toBe(true)
  const onion = problem(connect({ ...server.address, hosts: ["abc.onion"] }))
  expect(await onion).toEqual({ code: "CONNECT", stage: "DIAL" })
})

test("the port of an address without one", async () => {
  const ports: number[] = []
  const address = { scheme: "smp", keyHash: CREDENTIALS.fingerprint, hosts: ["localhost"], port: "" } as const
  const dial = (target: { port: number }): Promise<Duplex> => {
    ports.push(target.port)
    return Promise.reject(new Error("enough"))
  }
  await problem(connect(address, { dial }))
  await problem(connect(address, { dial, defaultPort: 443 }))
  await problem(connect({ ...address, port: "99" }, { dial }))
  expect(ports).toEqual([5223, 443, 99])
})

test("each host gets its share of the time", async () => {
  const clock = new ManualClock()
  const times: number[] = []
  const hanging = (_: unknown, signal: AbortSignal): Promise<Duplex> =>
    new Promise((_resolve, reject) => {
      times.push(clock.now())
      signal.addEventListener("abort", () => reject(signal.reason))
    })
  const address = { keyHash: CREDENTIALS.fingerprint, hosts: ["a", "b", "c"], port: "1" }
  const result = problem(connect(address, { clock, dial: hanging, patience: "interactive" }))
  for (let i = 0; i < 3; i++) {
    clock.advance(clock.next ?? 0)
    await new Promise(setImmediate)
  }
  expect(await result).toEqual({ code: "CONNECT", stage: "TIMEOUT" })
  expect(times).toEqual([0, 5000, 10_000])
  expect(clock.now()).toBe(15_000)
})

test("a port that does not speak TLS, and one where nothing listens", async () => {
  const plain = createServer((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end("220 hello\r\n"),
  )
  plain.listen(0, "127.0.0.1")
  await once(plain, "listening")
  const { port } = plain.address() as AddressInfo
  const address = { keyHash: CREDENTIALS.fingerprint, hosts: ["127.0.0.1"], port: String(port) }
  expect(await problem(connect(address))).toEqual({ code: "CONNECT", stage: "TLS" })
  plain.close()
  await once(plain, "close")
  const refused = problem(connect(address))
  expect(await refused).toEqual({ code: "CONNECT", stage: "DIAL" })
})

test("a server that closes before its hello", async () => {
  await using server = await FakeServer.start({
    handshake: () => {
      throw new Error("no hello today")
    },
  })
  expect(await problem(connect(server.address))).toEqual({ code: "CONNECT", stage: "CLOSED" })
})

test("an aborted attempt rejects with the reason of its signal and leaves nothing open", async () => {
  const stop = new AbortController()
  stop.abort(new Error("before"))
  await using server = await FakeServer.start()
  await expect(connect(server.address, { signal: stop.signal })).rejects.toThrow("before")

  const later = new AbortController()
  let dialed: Duplex | undefined
  const silent = connect(server.address, {
    signal: later.signal,
    // a server that never answers the TLS client
    dial: () => {
      dialed = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
      setImmediate(() => later.abort(new Error("during")))
      return Promise.resolve(dialed)
    },
  })
  await expect(silent).rejects.toThrow("during")
  expect(dialed?.destroyed).toBe(true)
})

test("errors say whether the network is to blame and whether a retry helps", async () => {
  await using server = await FakeServer.start()
  const wrong = { ...server.address, keyHash: nativeCrypto.randomBytes(32) }
  await expect(connect(wrong)).rejects.toMatchObject({ network: false, retryable: false })
  const gone = { ...server.address, hosts: ["127.0.0.1"], port: "1" }
  await expect(connect(gone)).rejects.toMatchObject({ network: true, retryable: true })
})
