import { once } from "node:events"
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls, createSecureContext } from "node:tls"
import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { type Fixture, newCredentials, serve, toyProtocol, until } from "../test/toy.ts"
import { PLACE_TIME } from "./handshake-gate.ts"
import type { Stage } from "./server-metrics.ts"

const NEVER = new Promise<never>(() => undefined)
const stuckProtocol = { ...toyProtocol, handshake: () => NEVER }

function rawConnection({ port }: Fixture): Socket {
  const socket = connectTcp(port(), "127.0.0.1")
  socket.on("error", () => socket.destroy())
  return socket.resume()
}

function inStage({ metrics }: Fixture, stage: Stage, count = 1): Promise<void> {
  return until(() => metrics.levels().connections[stage] === count)
}

/** Every connection was counted in and out, in one place each. */
async function accounted({ metrics }: Fixture): Promise<void> {
  await until(() => metrics.accepted.value === metrics.closed.value)
  const counts = [metrics.refused, metrics.tlsFailures, metrics.handshakeFailures].flatMap((all) => Object.values(all))
  const failed = counts.reduce((sum, { value }) => sum + value, 0)
  expect(failed + metrics.sessionsOpened.value).toBe(metrics.accepted.value)
  const ended = Object.values(metrics.sessionsEnded).reduce((sum, { value }) => sum + value, 0)
  expect(ended).toBe(metrics.sessionsOpened.value)
  expect(Object.values(metrics.levels().connections)).toEqual([0, 0, 0, 0, 0, 0])
}

describe("the way to a session", () => {
  it("has a limit for the handshake", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({ clock, protocol: stuckProtocol, settings: { handshakeTimeout: 5_000 } })
    const client = await fixture.connect()
    await inStage(fixture, "handshake")
    clock.advance(4_999)
    expect(fixture.metrics.levels().connections.handshake).toBe(1)
    clock.advance(1)
    await client.closed
    await accounted(fixture)
    expect(fixture.metrics.handshakeFailures.timeout.value).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it("isn't blocked by peers that say nothing", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({ clock, settings: { maxHandshakes: 2, maxWaitingHandshakes: 10 } })
    const silent = [rawConnection(fixture), rawConnection(fixture)]
    await inStage(fixture, "tls", 2)
    const waiting = fixture.connect()
    await inStage(fixture, "waiting")
    clock.advance(PLACE_TIME)
    const client = await waiting
    client.send("through")
    expect(await client.next()).toEqual(["through"])
    for (const socket of silent) socket.destroy()
    client.stream.end()
    await accounted(fixture)
  })

  it("counts defects of the handshake, and goes on", async () => {
    let first = true
    await using fixture = await serve({
      protocol: {
        ...toyProtocol,
        handshake: (stream, link) => {
          if (!first) return toyProtocol.handshake(stream, link)
          first = false
          throw new Error("a mistake")
        },
      },
    })
    await (await fixture.connect()).closed
    const client = await fixture.connect()
    client.send("next")
    expect(await client.next()).toEqual(["next"])
    expect(fixture.metrics.defects.value).toBe(1)
    client.stream.end()
    await accounted(fixture)
  })

  it("serves the certificate that a client has seen, while its handshake lasts", async () => {
    const seen: Uint8Array[] = []
    const held = Promise.withResolvers<void>()
    await using fixture = await serve({
      protocol: {
        ...toyProtocol,
        handshake: async (stream, link) => {
          seen.push(link.credentials.fingerprint)
          await held.promise
          return toyProtocol.handshake(stream, link)
        },
      },
    })
    const old = await fixture.connect()
    const renewed = newCredentials()
    fixture.server.useCredentials(renewed)
    await fixture.connect(renewed.fingerprint)
    await until(() => seen.length === 2)
    expect(seen).toEqual([fixture.credentials.fingerprint, renewed.fingerprint])
    held.resolve()
    old.send("still good")
    expect(await old.next()).toEqual(["still good"])
  })
})

describe("the source of a connection", () => {
  it("is read from the socket by whoever knows how, before TLS and its limits", async () => {
    await using fixture = await serve({
      settings: { maxPerSource: 1 },
      extra: { source: readHeader },
    })
    const [one, two] = ["192.0.2.1", "192.0.2.1"].map((address) => withHeader(fixture, address))
    const other = withHeader(fixture, "192.0.2.2")
    await Promise.any([once(one as Socket, "close"), once(two as Socket, "close")])
    expect(fixture.metrics.refused.per_source.value).toBe(1)
    await inStage(fixture, "session", 2)
    for (const socket of [one, two, other]) socket?.destroy()
    await accounted(fixture)
  })

  it("that is never told holds no connection for longer than TLS may take, and counts against the limit", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({ clock, settings: { maxConnections: 1 }, extra: { source: () => NEVER } })
    const silent = rawConnection(fixture)
    await inStage(fixture, "waiting")
    await expect(fixture.connect()).rejects.toThrow()
    expect(fixture.metrics.refused.connections.value).toBe(1)
    clock.advance(60_000)
    await once(silent, "close")
    await accounted(fixture)
  })

  it.each([
    ["rejects", () => Promise.reject(new Error("no header")), 0],
    [
      "throws",
      () => {
        throw new Error("a mistake")
      },
      1,
    ],
  ] as const)("closes the connection when looking for it %s", async (_, source, defects) => {
    await using fixture = await serve({ extra: { source } })
    await expect(fixture.connect()).rejects.toThrow()
    await accounted(fixture)
    expect(fixture.metrics.tlsFailures.source.value).toBe(1)
    expect(fixture.metrics.defects.value).toBe(defects)
  })
})

describe("a web server on the same port", () => {
  const web = newCredentials()
  const tls = {
    context: () => createSecureContext({ key: web.leafKeyPem, cert: web.chainPem }),
    protocols: ["http/1.1"],
  }

  function browse({ port }: Fixture) {
    const options = { rejectUnauthorized: false, servername: "web.example", ALPNProtocols: ["http/1.1"] }
    return connectTls({ host: "127.0.0.1", port: port(), ...options }).on("error", () => undefined)
  }

  it("gets the clients that send a server name, and nobody else", async () => {
    await using fixture = await serve({ extra: { web: { tls, accept: (socket) => void socket.end("a page") } } })
    const browser = browse(fixture)
    const [page] = await once(browser, "data")
    expect(String(page)).toBe("a page")
    browser.end()
    const client = await fixture.connect()
    client.send("a command")
    expect(await client.next()).toEqual(["a command"])
    expect(fixture.metrics.sessionsOpened.value).toBe(1)
    client.stream.end()
    await until(() => fixture.metrics.closed.value === 2)
  })

  it("may have defects", async () => {
    await using fixture = await serve({
      extra: {
        web: {
          tls,
          accept: () => {
            throw new Error("a mistake")
          },
        },
      },
    })
    await once(browse(fixture), "close")
    expect(fixture.metrics.defects.value).toBe(1)
    await until(() => fixture.metrics.closed.value === 1)
  })
})

describe("a stop", () => {
  it("cuts what is not a session yet, and lets sessions finish", async () => {
    const gate = Promise.withResolvers<void>()
    let handshakes = 0
    await using fixture = await serve({
      settings: { maxHandshakes: 3 },
      protocol: {
        ...toyProtocol,
        handshake: (stream, link) => (handshakes++ === 0 ? toyProtocol.handshake(stream, link) : NEVER),
      },
      handler: () => ({
        handle: async (commands) => {
          await gate.promise
          return commands.map((command) => utf8(command))
        },
      }),
    })
    const client = await fixture.connect()
    client.send("begun")
    client.send("waits")
    await until(() => fixture.metrics.commandsIn.value === 2)
    await fixture.connect()
    await inStage(fixture, "handshake")
    const early = [rawConnection(fixture), rawConnection(fixture)]
    await inStage(fixture, "tls", 2)
    early.push(rawConnection(fixture))
    await inStage(fixture, "waiting")
    const stopped = fixture.server.stop(new AbortController().signal)
    await until(() => fixture.metrics.closed.value === 4)
    expect(fixture.metrics.levels().connections).toMatchObject({ session: 1, handshake: 0, tls: 0, waiting: 0 })
    expect(fixture.metrics.tlsFailures.draining.value).toBe(3)
    expect(fixture.metrics.handshakeFailures.draining.value).toBe(1)
    gate.resolve()
    expect([await client.next(), await client.next()]).toEqual([["begun"], ["waits"]])
    await client.closed
    await stopped
    await accounted(fixture)
  })

  it("waits for peers to read what was answered, until a second stop has no patience", async () => {
    await using fixture = await serve({
      handler: (session) => ({
        answered: () => {
          while (!session.congested) session.push([utf8("x".repeat(400))])
          session.push([utf8("the last")])
        },
      }),
    })
    const clients = await Promise.all([fixture.connect(), fixture.connect()])
    for (const client of clients) {
      client.stream.pause()
      // Until the sockets themselves take no more: nothing is written for many turns on end.
      for (let turns = 0, written = -1; turns < 50; turns++) {
        client.send("go on")
        await new Promise((resolve) => setImmediate(resolve))
        if (fixture.metrics.blocksOut.value !== written) turns = 0
        written = fixture.metrics.blocksOut.value
      }
    }
    expect(fixture.metrics.levels().congested).toBe(2)
    const patient = fixture.server.stop(new AbortController().signal)
    clients[0]?.stream.resume()
    await clients[0]?.closed
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["drained"])
    expect(fixture.metrics.levels().connections.session).toBe(1)
    await fixture.server.stop(AbortSignal.abort())
    await patient
    await accounted(fixture)
  })
})

/** A header of one line with the source's address, as a balancer would send it. */
function withHeader(fixture: Fixture, address: string): Socket {
  const socket = rawConnection(fixture)
  socket.write(`${address}\n`)
  connectTls({ socket, rejectUnauthorized: false, servername: "", ALPNProtocols: ["smp/1"], ecdhCurve: "X25519" }).on(
    "error",
    () => socket.destroy(),
  )
  return socket
}

async function readHeader(socket: Socket): Promise<string> {
  for (;;) {
    const chunk: Buffer | null = socket.read()
    const end = chunk?.indexOf("\n") ?? -1
    if (chunk !== null && end >= 0) {
      socket.unshift(chunk.subarray(end + 1))
      return chunk.toString("latin1", 0, end)
    }
    if (chunk !== null) socket.unshift(chunk)
    await once(socket, "readable")
  }
}
