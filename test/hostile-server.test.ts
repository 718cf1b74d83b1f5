import { once } from "node:events"
import { setTimeout } from "node:timers/promises"
import { connect as connectTls } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { pad } from "@sluice/encoding/padding"
import { BLOCK_SIZE, singleContent } from "@sluice/smp-protocol/batch"
import type { ParsedResponse } from "@sluice/smp-protocol/block"
import { ID_LENGTH, NO_ENTITY } from "@sluice/smp-protocol/types"
import { clientTlsOptions } from "@sluice/transport/tls"
import fc from "fast-check"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { bytes } from "../packages/smp-protocol/test/arbitraries.ts"
import {
  badHello,
  cutEarly,
  cutWhileWorking,
  drip,
  ended,
  goodHello,
  inSession,
  noise,
  sendBadHello,
  sendHostile,
  sendNoise,
  sessionChoice,
  tcp,
  tls,
} from "./support/hostile-attacks.ts"
import { hostileBlock } from "./support/hostile-commands.ts"
import { growth, reachableBytes } from "./support/hostile-memory.ts"
import { HASTY, TestedRelay } from "./support/hostile-relay.ts"
import { HostileSession } from "./support/hostile-session.ts"

/**
 * What clients may do to a relay over real sockets, from garbage in place of TLS to authorized nonsense in a session.
 *
 * After each test the next honest client is served, no connection is left or lost track of, the log has no error, and no
 * defect was counted. No answer is INTERNAL, which is how a command reports an exception. One that left a session would be
 * an unhandled rejection, which fails the run. The last tests look at the memory of the process, clients included.
 */
let relay: TestedRelay

beforeAll(async () => {
  relay = await TestedRelay.start()
})

afterAll(() => relay[Symbol.asyncDispose]())

afterEach(async () => {
  await relay.serves()
  await relay.idle()
  expect(await relay.problems()).toEqual([])
})

function expectNoDefect(responses: readonly ParsedResponse[]): void {
  for (const response of responses) {
    if (!response.ok) expect(response).toEqual("a message that clients understand")
    else if (response.message.tag === "ERR") expect(response.message.error.type).not.toBe("INTERNAL")
  }
}

describe("in a session", () => {
  test("blocks that do not decrypt or un-pad are answered with ERR BLOCK each", async () => {
    const blocks = fc.array(bytes(BLOCK_SIZE, BLOCK_SIZE), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(sessionChoice, blocks, (choice, random) =>
        inSession(relay, choice, async (session) => {
          const { sessionSecret, version, blockCodec } = session.session
          for (const block of random) {
            // A step of the chain for a block that is not sent, so that the next one decrypts again.
            if (sessionSecret !== undefined && version >= 11) blockCodec.encode([])
            else block[0] = 0xff
            session.raw(block)
          }
          const responses = await session.responses()
          expect(responses.length).toBe(random.length)
          const refusal = { ok: true, message: { tag: "ERR", error: { type: "BLOCK" } } }
          for (const response of responses) expect(response).toMatchObject(refusal)
        }),
      ),
      { numRuns: 20 },
    )
  })

  test("blocks with random content are answered, and the session goes on", async () => {
    const framed = bytes(40).map((tail) => Uint8Array.of(1, 0, tail.length, ...tail))
    const contents = fc.array(fc.oneof(bytes(300), bytes(16_366, 16_000), framed), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(sessionChoice, contents, (choice, random) =>
        inSession(relay, choice, async (session) => {
          for (const content of random) session.content(content)
          const responses = await session.responses()
          expect(responses.length).toBeGreaterThanOrEqual(random.length)
          expectNoDefect(responses)
        }),
      ),
      { numRuns: 30 },
    )
  })

  test("commands of all kinds, whole or damaged before or after they are authorized, cause no defect", async () => {
    const seen = new Set<string>()
    const blocks = fc.array(hostileBlock, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(sessionChoice, blocks, async (choice, hostile) => {
        const responses = await sendHostile(relay, choice, hostile)
        expectNoDefect(responses)
        for (const response of responses) if (response.ok) seen.add(response.message.tag)
      }),
      { numRuns: 150 },
    )
    // Some get through, or this would test no more than the parser.
    for (const tag of ["IDS", "SOK", "MSG", "OK", "NID", "INFO", "ERR"]) expect(seen).toContain(tag)
  })

  test("a message of one byte too many is refused", async () => {
    await inSession(relay, {}, async (session, [queue]) => {
      const command = { tag: "SEND", flags: { notification: false }, body: new Uint8Array(16_049) } as const
      const outgoing = { corrId: c.randomBytes(ID_LENGTH), entityId: queue?.senderId ?? NO_ENTITY, command }
      session.content(singleContent(session.transmission(outgoing)))
      const refusal = { ok: true, message: { tag: "ERR", error: { type: "LARGE_MSG" } } }
      expect(await session.responses()).toMatchObject([refusal])
    })
  })

  test("connections may be cut in the middle of a block, of a command or of its answer", async () => {
    for (let i = 0; i < 20; i++) await cutWhileWorking(relay, i % 5)
  })
})

describe("before a session", () => {
  test("garbage in place of TLS is no connection", async () => {
    await fc.assert(
      fc.asyncProperty(noise, (garbage) => sendNoise(relay, garbage)),
      { numRuns: 60 },
    )
  })

  test("a client that offers only protocols that nobody knows is refused by TLS", async () => {
    const socket = connectTls({ ...clientTlsOptions({ protocols: ["spdy/3"] }), host: "127.0.0.1", port: relay.port })
    const [error] = await once(socket, "error")
    expect(error).toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" })
  })

  test("connections may end or break before and during TLS", async () => {
    for (let i = 0; i < 45; i++) await cutEarly(relay, i)
  })

  test("hellos that are damaged, random, cut or for another server are no session", async () => {
    await fc.assert(
      fc.asyncProperty(badHello, (make) => sendBadHello(relay, make)),
      { numRuns: 80 },
    )
  })

  test("connections on which nothing comes are closed in time, and keep nobody out until then", async () => {
    await using hasty = await TestedRelay.start(HASTY)
    const waiting = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? tcp(hasty) : tls(hasty))))
    await hasty.serves()
    await Promise.all(waiting.map(ended))
    await hasty.idle()
    expect(await hasty.problems()).toEqual([])
  })

  test("handshakes that come byte by byte are closed in time", async () => {
    await using hasty = await TestedRelay.start(HASTY)
    const record = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...c.randomBytes(500))
    const slow = Array.from({ length: 10 }, async (_, i) =>
      i % 2 === 0 ? drip(await tcp(hasty), record, 20) : drip(await tls(hasty), pad(goodHello(hasty), BLOCK_SIZE), 20),
    )
    await hasty.serves()
    await Promise.all(slow)
    await hasty.idle()
    expect(await hasty.problems()).toEqual([])
  })

  test("more connections than the limit are closed, and those that were there are served", async () => {
    await using small = await TestedRelay.start({ "limits.max_connections": 10 })
    const sessions: HostileSession[] = []
    while (sessions.length < 10) sessions.push(await HostileSession.open(small.address))
    const refused = await Promise.all(Array.from({ length: 30 }, () => tcp(small)))
    await Promise.all(refused.map(ended))
    for (const session of sessions) expect(await session.responses()).toEqual([])
    for (const session of sessions) await session.close()
    await small.idle()
    await small.serves()
    expect(await small.problems()).toEqual([])
  })
})

describe("memory", () => {
  const MIB = 1024 * 1024

  test("a client that sends and never reads is soon not read from any more", async () => {
    const before = await reachableBytes()
    const session = await HostileSession.open(relay.address)
    session.stream.pause()
    const command = { tag: "PING" } as const
    const ping = session.transmission({ corrId: c.randomBytes(ID_LENGTH), entityId: NO_ENTITY, command })
    const own = 64 * BLOCK_SIZE
    let blocks = 0
    // What waits on this side shows that the socket, and so the server, takes no more.
    for (let stuck = 0; stuck < 10 && blocks < 8000; ) {
      if (session.stream.bufferedBytes < own) {
        session.content(singleContent(ping))
        blocks++
        stuck = 0
      } else {
        stuck++
        await setTimeout(20)
      }
    }
    expect(blocks).toBeLessThan(8000)
    await relay.serves()
    expect((await reachableBytes()) - before - own).toBeLessThan(8 * MIB)
    await session.close()
  })

  test("nothing of any of this stays", { timeout: 60_000 }, async () => {
    // What clients store is to stay, so it is kept on disk here.
    await using durable = await TestedRelay.start({ "store.kind": "lmdb" })
    const runs = { numRuns: 15 }
    const hostile = fc.tuple(sessionChoice, fc.array(hostileBlock, { minLength: 5, maxLength: 10 }))
    const grown = await growth(3, 6, async () => {
      for (const garbage of fc.sample(noise, runs)) await sendNoise(durable, garbage)
      for (const make of fc.sample(badHello, runs)) await sendBadHello(durable, make)
      for (let i = 0; i < 15; i++) await cutEarly(durable, i)
      for (let i = 0; i < 5; i++) await cutWhileWorking(durable, i)
      for (const [choice, blocks] of fc.sample(hostile, runs)) await sendHostile(durable, choice, blocks)
      await durable.serves()
      await durable.idle()
    })
    // 80 connections a round: one block of each that stayed would be 7 MiB.
    expect(grown).toBeLessThan(3 * MIB)
    expect(await durable.problems()).toEqual([])
  })
})
