import { dhBoxKey } from "@sluice/crypto/box"
import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { RelaySession } from "@sluice/smp-client/proxied-relay"
import { batchTransmissions, singleContent } from "@sluice/smp-protocol/batch"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { sealForwarded } from "@sluice/smp-protocol/proxy-envelope"
import { encodeTransmission, forwardedParams } from "@sluice/smp-protocol/transmission"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import {
  type Answers,
  FakeServer,
  type FakeServerOptions,
  newCredentials,
  type Reply,
} from "../../smp-client/test/fake-server.ts"
import { errorOf, pfwdCommand } from "./requests.ts"
import { SmallRelay } from "./small-relay.ts"

/* Clients and relays that do not keep to the protocol, over TLS on loopback ports. */

let proxy: SmallRelay
let client: SmpConnection

beforeAll(async () => {
  proxy = await SmallRelay.start()
  client = await connect(proxy.address)
})

afterAll(async () => {
  await client.close()
  await proxy.close()
})

async function answerTo(request: Parameters<SmpConnection["send"]>[0][number]): Promise<BrokerMessage> {
  const [answer] = client.send([request])
  if (answer === undefined) throw new Error("no promise")
  return answer
}

function protocolError(error: SmpError): SmpError {
  return { type: "PROXY", error: { type: "PROTOCOL", error } }
}

function brokerError(
  error: Extract<Extract<SmpError, { type: "PROXY" }>["error"], { type: "BROKER" }>["error"],
): SmpError {
  return { type: "PROXY", error: { type: "BROKER", error } }
}

describe("a client", () => {
  const corrId = c.randomBytes(24)
  const keys = c.generateKeyPair("x25519")
  const senderId = c.randomBytes(24)
  const SEND = encodeCommand({ tag: "SEND", flags: { notification: false }, body: Uint8Array.of(1) }, 20)
  let relay: SmallRelay
  let session: RelaySession

  beforeAll(async () => {
    relay = await SmallRelay.start({ credentials: newCredentials() })
    session = await (await client.openRelay(relay.address)).session
  })
  afterAll(() => relay.close())

  function box(content: Uint8Array): Uint8Array {
    const key = dhBoxKey(c, keys.privateKey, session.key)
    if (key === undefined) throw new Error("no key")
    return sealForwarded(c, key, corrId, "request", content)
  }

  function send(request: Uint8Array): Promise<BrokerMessage> {
    const command = { tag: "PFWD", version: session.version, key: keys.publicKey, request } as const
    return answerTo({ command, entityId: session.sessionId, corrId })
  }

  function transmission(): Uint8Array {
    const params = forwardedParams(session.version, session.sessionId)
    return encodeTransmission(params, { corrId, entityId: senderId, command: SEND })
  }

  it("with two commands in one box: the relay tells the proxy BLOCK", async () => {
    const [two] = batchTransmissions([transmission(), transmission()])
    if (two?.fits !== true) throw new Error("does not fit")
    expect(errorOf(await send(box(two.content)))).toEqual(protocolError({ type: "BLOCK" }))
  })

  it("with a box that was changed: the relay tells the proxy CRYPTO", async () => {
    const changed = box(singleContent(transmission()))
    changed[1000] = (changed[1000] ?? 0) ^ 1
    expect(errorOf(await send(changed))).toEqual(protocolError({ type: "CRYPTO" }))
  })

  it("with boxes of other lengths", async () => {
    for (const length of [0, 15, 16, 16_241]) {
      expect(errorOf(await send(c.randomBytes(length)))).toEqual(protocolError({ type: "CRYPTO" }))
    }
  })

  it("with a box that fits its own block, but not the relay's", async () => {
    const request = c.randomBytes(16_244)
    const large = brokerError({ type: "TRANSPORT", error: "LARGE_MSG" })
    expect(errorOf(await send(request))).toEqual(large)
  })

  it("with a key of low order", async () => {
    const { publicKey } = keys
    const key = { ...publicKey, raw: new Uint8Array(32) }
    const command = { ...pfwdCommand(), key }
    const answer = await answerTo({ command, entityId: session.sessionId })
    expect(errorOf(answer)).toEqual(protocolError({ type: "CRYPTO" }))
  })

  it("naming a version that does not exist is answered in it", async () => {
    for (const version of [0, 65_535]) {
      const command = {
        tag: "PFWD",
        version,
        key: keys.publicKey,
        request: box(singleContent(transmission())),
      } as const
      expect((await answerTo({ command, entityId: session.sessionId, corrId })).tag).toBe("PRES")
    }
  })
})

describe("a relay", () => {
  let relay: FakeServer | undefined
  afterEach(() => relay?.close())

  async function start(
    respond: (command: ReceivedCommand) => Answers,
    options: FakeServerOptions = {},
  ): Promise<Server> {
    relay = await FakeServer.start({ respond, credentials: newCredentials(), ...options })
    return relay.address
  }

  /** What a client is told when the relay answers `RFWD` like this. */
  async function forwarded(respond: (command: ReceivedCommand) => Answers): Promise<SmpError> {
    const { session } = await client.openRelay(await start(respond))
    const { sessionId } = await session
    return errorOf(await answerTo({ command: pfwdCommand(), entityId: sessionId }))
  }

  it("that answers with an error", async () => {
    expect(await forwarded(() => ({ tag: "ERR", error: { type: "STORE", text: "disk" } }))).toEqual(
      protocolError({ type: "STORE", text: "disk" }),
    )
  })

  it("that answers with an error of the length of a block", async () => {
    const text = "x".repeat(16_320)
    expect(await forwarded(() => ({ tag: "ERR", error: { type: "STORE", text } }))).toEqual(
      brokerError({ type: "UNEXPECTED", text: "ERR" }),
    )
  })

  it("that answers with something else", async () => {
    expect(await forwarded(() => ({ tag: "OK" }))).toEqual(brokerError({ type: "RESPONSE", text: "CMD SYNTAX" }))
    expect(await forwarded(() => ({ tag: "PONG" }))).toEqual(brokerError({ type: "UNEXPECTED", text: "PONG" }))
  })

  it("that answers for something else", async () => {
    const answer = ({ corrId }: ReceivedCommand): readonly Reply[] => [
      { corrId, entityId: c.randomBytes(24), message: { tag: "OK" } },
    ]
    expect(await forwarded(answer)).toEqual(brokerError({ type: "UNEXPECTED", text: "OK" }))
  })

  it("that answers with noise", async () => {
    const noise: BrokerMessage = { tag: "RRES", response: c.randomBytes(16_283) }
    expect(await forwarded(() => noise)).toEqual({ type: "CRYPTO" })
  })

  it("that sends what nobody asked for", async () => {
    const answer = ({ corrId, entityId }: ReceivedCommand): readonly Reply[] => [
      { corrId: new Uint8Array(0), entityId: c.randomBytes(24), message: { tag: "END" } },
      { corrId: c.randomBytes(24), entityId, message: { tag: "PONG" } },
      { corrId, entityId, message: { tag: "ERR", error: { type: "AUTH" } } },
    ]
    expect(await forwarded(answer)).toEqual(protocolError({ type: "AUTH" }))
  })

  it("that gives no key", async () => {
    const handshake: FakeServerOptions["handshake"] = (options) => ({ ...options, range: { min: 6, max: 6 } })
    const server = await start(() => undefined, { handshake })
    const answer = await answerTo({ command: { tag: "PRXY", server } })
    expect(errorOf(answer)).toEqual(brokerError({ type: "TRANSPORT", error: "VERSION" }))
  })

  it("whose hello is for another session", async () => {
    const handshake: FakeServerOptions["handshake"] = (options) => ({ ...options, sessionId: c.randomBytes(32) })
    const server = await start(() => undefined, { handshake })
    const answer = await answerTo({ command: { tag: "PRXY", server } })
    expect(errorOf(answer)).toEqual(brokerError({ type: "TRANSPORT", error: "SESSION" }))
  })

  it("whose hello has another identity", async () => {
    const handshake: FakeServerOptions["handshake"] = (options) => ({ ...options, credentials: newCredentials() })
    const server = await start(() => undefined, { handshake })
    const answer = await answerTo({ command: { tag: "PRXY", server } })
    expect(errorOf(answer)).toEqual(brokerError({ type: "TRANSPORT", error: "HANDSHAKE BAD_AUTH" }))
  })
})
