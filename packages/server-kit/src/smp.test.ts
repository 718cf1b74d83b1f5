import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes, EMPTY, toHex } from "@sluice/encoding/bytes"
import { systemClock } from "@sluice/ops/clock"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog } from "@sluice/ops/recording-log"
import { batchContent, packBatches } from "@sluice/smp-protocol/batch"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { encodeOutgoing } from "@sluice/smp-protocol/outgoing"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import { BLOCK_SIZE, BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import { connectTls } from "@sluice/transport/tls-client"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { SmpClient } from "../test/smp-client.ts"
import { newCredentials, until } from "../test/toy.ts"
import { createBlockServer } from "./block-server.ts"
import type { Reply } from "./protocol.ts"
import { createServerMetrics } from "./server-metrics.ts"
import { defaultServerSettings } from "./server-settings.ts"
import { type SmpSession, smpProtocol } from "./smp.ts"

const now = Math.floor(Date.now() / 1000)
const credentials = newCredentials()

/** Answers PING, has a defect for everything else. */
function pong(session: SmpSession): (command: ReceivedCommand) => Reply {
  return ({ command, corrId }) => {
    if (command.tag !== "PING") throw new Error("a mistake")
    return encodeResponse(session.params, corrId, EMPTY, { tag: "PONG" })
  }
}

async function serve() {
  const metrics = createServerMetrics(new Metrics().register)
  const log = recordingLog()
  const server = createBlockServer(
    {
      listen: [{ host: "127.0.0.1", port: 0 }],
      credentials,
      protocol: smpProtocol({ crypto: c }),
      sessions: (session) => ({ handle: (commands) => commands.map(pong(session)) }),
      settings: defaultServerSettings,
    },
    { crypto: c, clock: systemClock, log, metrics },
  )
  await server.start()
  const port = server.addresses[0]?.port ?? 0
  return {
    metrics,
    port,
    connect: (protocols?: readonly string[]) => SmpClient.connect(port, credentials.fingerprint, protocols),
    [Symbol.asyncDispose]: () => server.stop(AbortSignal.abort()),
  }
}

const ERR_BLOCK = expect.objectContaining({
  ok: true,
  corrId: EMPTY,
  entityId: EMPTY,
  message: { tag: "ERR", error: { type: "BLOCK" } },
})

describe("SMP sessions", () => {
  it.each([
    ["with encrypted blocks", ["smp/1"], 20],
    ["of the oldest version, without ALPN", [], 6],
  ] as const)("%s answer commands of one block in one block, in order", async (_, protocols, version) => {
    await using fixture = await serve()
    const client = await fixture.connect(protocols)
    expect(client.params.version).toBe(version)
    const corrIds = [1, 2, 3].map((n) => new Uint8Array(24).fill(n))
    client.stream.write(client.block(...corrIds.map((corrId) => client.ping(corrId))))
    const answers = await client.next()
    expect(answers.map((answer) => toHex(answer.corrId))).toEqual(corrIds.map((corrId) => toHex(corrId)))
    for (const answer of answers) expect(answer).toMatchObject({ ok: true, message: { tag: "PONG" } })
  })

  it("answer what is not SMP with an error, each by its own, and stay", async () => {
    await using fixture = await serve()
    const client = await fixture.connect()
    const broken = c.randomBytes(BLOCK_SIZE)
    client.stream.write(client.params.blockCodec.encode([Uint8Array.of(0)]))
    client.stream.write(client.block(Uint8Array.of(5), client.ping(new Uint8Array(24))))
    expect([await client.next(), await client.next(), await client.next()]).toEqual([
      [ERR_BLOCK],
      [ERR_BLOCK],
      [expect.objectContaining({ message: { tag: "PONG" } })],
    ])
    // A block that doesn't decrypt takes a step of the chain; a client that lost one knows.
    client.params.blockCodec.encode([EMPTY])
    client.stream.write(broken)
    expect(await client.roundTrip()).toEqual([ERR_BLOCK])
    expect(fixture.metrics.badBlocks.value).toBe(1)
  })

  it("answer a defect with INTERNAL, and stay", async () => {
    await using fixture = await serve()
    const client = await fixture.connect()
    const corrId = c.randomBytes(24)
    const entityId = c.randomBytes(24)
    const { privateKey: key } = c.generateKeyPair("ed25519")
    const signer = { crypto: c, serverKey: client.params.serverKey }
    const command = { tag: "SUB" } as const
    client.stream.write(client.block(encodeOutgoing(signer, client.params, { corrId, entityId, command, key })))
    const [answer] = await client.next()
    expect(answer).toMatchObject({ corrId, entityId, message: { tag: "ERR", error: { type: "INTERNAL" } } })
    expect(await client.roundTrip()).toEqual([])
    expect(fixture.metrics.defects.value).toBe(1)
  })

  it("survive any content and any change of a good block", async () => {
    await using fixture = await serve()
    const client = await fixture.connect()
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 })).map(([count, bodies]) => {
        const parts = bodies.map((body) => concatBytes(Uint8Array.of(0, body.length), body))
        return concatBytes(Uint8Array.of(count === 7 ? 0 : bodies.length), ...parts)
      }),
      fc.array(fc.tuple(fc.nat(33), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
        const [packed] = packBatches([client.ping(new Uint8Array(24))])
        const content = packed?.fits === true ? batchContent(packed) : EMPTY
        for (const [at, value] of changes) content[at] = value
        return content
      }),
    )
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        client.stream.write(client.params.blockCodec.encode([content]))
        await client.roundTrip()
      }),
      { numRuns: 300 },
    )
    // Only commands that parse and are not PING are the handler's, whose mistake is answered.
    expect(fixture.metrics.sessionsEnded.defect.value).toBe(0)
  })

  it("end quietly wherever the connection is cut, and leave nothing behind", async () => {
    await using fixture = await serve()
    const survivor = await fixture.connect()
    for (let cut = 0; cut < 20; cut++) {
      const tls = await connectTls({
        crypto: c,
        keyHash: credentials.fingerprint,
        host: "127.0.0.1",
        port: fixture.port,
        now,
      })
      // Garbage for a hello at first, then pieces of one, then of blocks after it.
      if (cut < 10) {
        tls.socket.write(c.randomBytes(cut * 1_800 + 1))
        if (cut % 2 === 0) tls.socket.end()
        else tls.socket.destroySoon()
        continue
      }
      const stream = new BlockStream(tls.socket)
      const { sessionId, serverChain } = tls
      await clientHandshake(stream, { crypto: c, keyHash: credentials.fingerprint, sessionId, serverChain })
      tls.socket.write(c.randomBytes((cut - 9) * 1_700))
      tls.socket.destroySoon()
    }
    expect(await survivor.roundTrip()).toEqual([])
    survivor.stream.end()
    await until(() => fixture.metrics.accepted.value === fixture.metrics.closed.value)
    const { handshakeFailures, sessionsOpened, defects, levels } = fixture.metrics
    const failed = Object.values(handshakeFailures).reduce((sum, { value }) => sum + value, 0)
    expect([failed, sessionsOpened.value, defects.value]).toEqual([10, 11, 0])
    expect(Object.values(levels().connections)).toEqual([0, 0, 0, 0, 0, 0])
  })
})
