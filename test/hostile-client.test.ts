import type { Socket } from "node:net"
import { setTimeout } from "node:timers/promises"
import type { TLSSocket } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { pad } from "@sluice/encoding/padding"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { type ClientProblem, SmpClientError } from "@sluice/smp-client/client-error"
import { type ConnectOptions, connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { BLOCK_SIZE } from "@sluice/smp-protocol/batch"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CREDENTIALS, FakeServer, newCredentials } from "../packages/smp-client/test/fake-server.ts"
import { bytes, damage } from "../packages/smp-protocol/test/arbitraries.ts"
import { answerContent, calls, eventContent, type HostileAnswer, hostileAnswer } from "./support/hostile-answers.ts"
import { noise } from "./support/hostile-attacks.ts"
import { growth, reachableBytes } from "./support/hostile-memory.ts"
import { HostileServer, honestHandshake, honestHello } from "./support/hostile-server.ts"

/**
 * What servers may do to the client over real sockets. Every call settles, with a result or a `SmpClientError` and nothing
 * else; a connection goes on after everything that is not its end; what cannot be read is an event. Whatever a listener
 * or a socket threw would be an uncaught exception, which fails the run. The last tests look at the memory of the process.
 */
const MIB = 1024 * 1024

const ignore = (): void => undefined

/** The error of a call that must fail as the package says that calls fail. */
async function failure(call: Promise<unknown>): Promise<SmpClientError> {
  const error = await call.then(
    () => expect.unreachable("the call did not fail"),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SmpClientError)
  return error as SmpClientError
}

type Peer = Awaited<ReturnType<FakeServer["connection"]>>

/** A connection to a server that `talk`s to it. Gives the kinds of its events, up to one that shows that it is well. */
async function talking(talk: (peer: Peer, connection: SmpConnection) => void | Promise<void>): Promise<string[]> {
  await using server = await FakeServer.start()
  // Answers that cannot be recognised as such end their calls by the time limit.
  await using connection = await connect(server.address, { commandTimeoutMs: 60, perCommandMs: 0, relayConnectMs: 0 })
  const peer = await server.connection()
  const marker = c.randomBytes(24)
  const kinds: string[] = []
  const heard = new Promise<void>((resolve) => {
    connection.events.onAny((event) => {
      if (event.type === "end" && Buffer.compare(event.entityId, marker) === 0) resolve()
      else kinds.push(event.type)
    })
  })
  await talk(peer, connection)
  peer.event(marker, { tag: "END" })
  await heard
  expect(connection.open).toBe(true)
  return kinds.slice()
}

type Step = readonly [(connection: SmpConnection) => Promise<unknown>, ...(readonly HostileAnswer[])]
const steps: fc.Arbitrary<Step[]> = fc.array(fc.tuple(calls, hostileAnswer, hostileAnswer), {
  minLength: 1,
  maxLength: 25,
})

/** Calls everything at once and answers each command with the next answer. Gives how many calls had results. */
async function answerAll(peer: Peer, connection: SmpConnection, all: readonly Step[]): Promise<number> {
  let results = 0
  const outcomes = Promise.all(
    all.map(([call]) =>
      call(connection).then(
        () => results++,
        (error: unknown) => expect(error).toBeInstanceOf(SmpClientError),
      ),
    ),
  )
  // Some calls are more than one command, and some are none, as their arguments have no encoding.
  await Promise.race([peer.until(() => peer.commands.length >= all.length), outcomes])
  const answers = all.flatMap(([, ...some]) => some)
  for (const [i, command] of peer.commands.entries()) {
    const answer = answers[i]
    if (answer !== undefined) peer.content(answerContent(peer.session, command, answer))
  }
  await outcomes
  return results
}

describe("in a session", () => {
  test("any answer to any call is a result or an error of the package", async () => {
    let calledTimes = 0
    let results = 0
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        await talking(async (peer, connection) => {
          results += await answerAll(peer, connection, all)
          calledTimes += all.length
        })
      }),
      { numRuns: 40 },
    )
    // Both must occur for this to mean anything.
    expect(results).toBeGreaterThan(calledTimes / 20)
    expect(calledTimes - results).toBeGreaterThan(calledTimes / 20)
  })

  test("anything that nobody asked for is an event, read or not", async () => {
    const framed = bytes(40).map((tail) => Uint8Array.of(1, 0, tail.length, ...tail))
    const contents = fc.oneof(bytes(300), bytes(16_366, 16_000), framed, hostileAnswer)
    await fc.assert(
      fc.asyncProperty(fc.array(contents, { minLength: 1, maxLength: 40 }), async (all) => {
        const kinds = await talking((peer) => {
          for (const content of all) {
            peer.content(content instanceof Uint8Array ? content : eventContent(peer.session, content))
          }
        })
        expect(kinds.length).toBeGreaterThanOrEqual(all.length)
      }),
      { numRuns: 25 },
    )
  })

  test("blocks that do not decrypt are told as unreadable, one by one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes(BLOCK_SIZE, BLOCK_SIZE), { minLength: 1, maxLength: 5 }), async (blocks) => {
        const kinds = await talking((peer) => {
          for (const block of blocks) {
            // A step of the chain for a block that is not sent, so that the next one decrypts again.
            peer.session.blockCodec.encode([])
            peer.stream.write(block)
          }
        })
        expect(kinds).toEqual(blocks.map(() => "unreadable"))
      }),
      { numRuns: 10 },
    )
  })

  test("a connection that ends or breaks fails the calls that wait, and those that come", async () => {
    const ways = [(_: FakeServer, peer: Peer) => peer.stream.end(), (server: FakeServer) => server.drop()]
    for (const end of ways) {
      await using server = await FakeServer.start()
      await using connection = await connect(server.address)
      const call = failure(connection.ping())
      const peer = await server.connection()
      await peer.command()
      end(server, peer)
      expect((await call).problem).toEqual({ code: "LOST" })
      expect(connection.open).toBe(false)
      expect((await failure(connection.ping())).problem).toEqual({ code: "LOST" })
    }
  })

  test("a connection that stops in the middle of a block is lost", async () => {
    await using server = await HostileServer.tls((socket) => {
      honestHandshake(socket).then(() => socket.end(new Uint8Array(5000)), ignore)
    })
    await using connection = await connect(server.address)
    expect((await failure(connection.ping())).problem).toEqual({ code: "LOST" })
  })
})

describe("before a session", () => {
  const QUICK = { connectTimeoutMs: 250 } as const

  /** How an attempt to connect fails. */
  async function refusal(address: ServerAddress, options: ConnectOptions = QUICK): Promise<ClientProblem> {
    return (await failure(connect(address, options))).problem
  }

  test("servers that speak no TLS, or nothing at all, cannot be connected to", async () => {
    await using server = await HostileServer.tcp((socket) => socket.destroy())
    const attempt = (accept: (socket: Socket) => void): Promise<ClientProblem> => {
      server.accept = accept
      return refusal(server.address)
    }
    await fc.assert(
      fc.asyncProperty(noise, async (garbage) => {
        expect(await attempt((socket) => socket.end(garbage))).toMatchObject({ code: "CONNECT" })
      }),
      { numRuns: 40 },
    )
    expect(await attempt((socket) => socket.end())).toMatchObject({ code: "CONNECT" })
    expect(await attempt((socket) => socket.resetAndDestroy())).toMatchObject({ code: "CONNECT" })
    expect(await attempt(ignore)).toEqual({ code: "CONNECT", stage: "TIMEOUT" })
    // The beginning of a record of 16 KB, byte by byte.
    const begin = [22, 3, 3, 64, 0, 2]
    const drip = (socket: Socket): void => {
      const timer = setInterval(() => socket.write(Uint8Array.of(begin.shift() ?? 0)), 10)
      socket.on("close", () => clearInterval(timer))
    }
    expect(await attempt(drip)).toEqual({ code: "CONNECT", stage: "TIMEOUT" })
  })

  test("a server with another identity is not connected to", async () => {
    await using server = await FakeServer.start({ credentials: newCredentials() })
    const keyHash = CREDENTIALS.fingerprint
    expect(await refusal({ ...server.address, keyHash }, {})).toEqual({ code: "CONNECT", stage: "IDENTITY" })
  })

  test("hellos that are damaged, random, cut or followed by nothing are a refusal or the end of a session", async () => {
    const block = (change: (hello: Uint8Array) => Uint8Array) => (socket: TLSSocket) =>
      void socket.end(pad(change(honestHello(socket)).subarray(0, BLOCK_SIZE - 2), BLOCK_SIZE))
    const part = (length: number) => (socket: TLSSocket) =>
      void socket.end(pad(honestHello(socket), BLOCK_SIZE).subarray(0, length))
    const hellos = fc.oneof(
      damage.map(block),
      bytes(BLOCK_SIZE, BLOCK_SIZE).map((random) => (socket: TLSSocket) => void socket.end(random)),
      fc.nat(BLOCK_SIZE - 1).map(part),
    )
    await using server = await HostileServer.tls((socket) => socket.destroy())
    await fc.assert(
      fc.asyncProperty(hellos, async (accept) => {
        server.accept = accept
        // What was damaged may be something that clients ignore: then there is a session, which ends at once.
        const connected = await connect(server.address, QUICK).catch((error: unknown) => {
          expect(error).toBeInstanceOf(SmpClientError)
        })
        if (connected) expect((await failure(connected.ping())).network).toBe(true)
      }),
      { numRuns: 80 },
    )
    server.accept = ignore
    expect(await refusal(server.address)).toEqual({ code: "CONNECT", stage: "TIMEOUT" })
  })

  test("a client that reconnects gets over all of them as soon as there is a good server", async () => {
    let turn = 0
    const tricks: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      ignore,
    ]
    const hostile = await HostileServer.tcp((socket) => tricks[turn++ % tricks.length]?.(socket))
    const { address } = hostile
    await using client = new SmpClient(address, { ...QUICK, backoff: { initialMs: 5, maxMs: 20 } })
    const pong = client.ping()
    while (hostile.accepted < 8) await setTimeout(5)
    await hostile[Symbol.asyncDispose]()
    await using good = await FakeServer.start({ respond: () => ({ tag: "PONG" }) }, Number(address.port))
    await pong
    expect(good.connections.length).toBe(1)
  })
})

describe("memory", () => {
  test("a flood of messages is not kept", async () => {
    const before = await reachableBytes()
    await talking(async (peer, connection) => {
      const [answer] = fc.sample(hostileAnswer, 1)
      if (answer === undefined) throw new Error("no sample")
      // MSG of a queue that the client does not know.
      const flood = { ...answer, damage: undefined, other: 4 }
      for (let i = 0; i < 4000; i++) {
        peer.content(eventContent(peer.session, flood))
        while (peer.stream.bufferedBytes > 64 * BLOCK_SIZE) await setTimeout(1)
      }
      expect(connection.open).toBe(true)
    })
    expect((await reachableBytes()) - before).toBeLessThan(4 * MIB)
  })

  test("nothing of any of this stays", { timeout: 60_000 }, async () => {
    await using silent = await HostileServer.tcp((socket) => socket.destroy())
    await using lying = await HostileServer.tls((socket) => void socket.end(pad(honestHello(socket), BLOCK_SIZE)))
    const runs = { numRuns: 10 }
    const grown = await growth(3, 6, async () => {
      for (const all of fc.sample(steps, runs)) {
        await talking(async (peer, connection) => {
          await answerAll(peer, connection, all)
          for (const [, answer] of all) if (answer) peer.content(eventContent(peer.session, answer))
        })
      }
      for (const garbage of fc.sample(noise, runs)) {
        silent.accept = (socket) => socket.end(garbage)
        await failure(connect(silent.address))
      }
      for (let i = 0; i < 10; i++) {
        const connection = await connect(lying.address)
        await failure(connection.ping())
      }
    })
    expect(grown).toBeLessThan(3 * MIB)
  })
})
