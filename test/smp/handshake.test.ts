import { nativeCrypto } from "@sluice/crypto/native"
import { signKey } from "@sluice/crypto/signed-object"
import { concatBytes, EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses } from "@sluice/smp-protocol/block"
import { encodeTransmission, transmissionParams } from "@sluice/smp-protocol/transmission"
import { type ClientHello, decodeServiceResponse, encodeClientHello } from "@sluice/transport/hello"
import { createServiceCredentials } from "@sluice/transport/identity"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Link } from "../support/link.ts"
import { authKeys, createQueue, hex, OK } from "../support/queue.ts"
import { newCorrId } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { selfSigned, withIssuer } from "../support/services.ts"
import { ack, receive, secure, sendTo } from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** transport.md §2.3, §3: how a connection begins, against the whole relay. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

describe("ALPN", () => {
  test.each([["smp/1"], ["h2"], ["http/1.1"]])("%s: all versions and a key", async (name) => {
    const { hello, sessionId } = await Link.open(relay, { alpn: [name] })
    expect(hello.range).toEqual({ min: 6, max: 20 })
    expect(hello.key?.chain).toHaveLength(2)
    expect(hex(hello.sessionId)).toBe(hex(sessionId))
  })

  test("none: version 6 alone, without a key", async () => {
    const { hello, sessionId } = await Link.open(relay, { alpn: [] })
    expect(hello.range).toEqual({ min: 6, max: 6 })
    expect(hello.key).toBeUndefined()
    expect(hex(hello.sessionId)).toBe(hex(sessionId))
  })

  test("names that nobody knows: TLS fails", async () => {
    await expect(Link.open(relay, { alpn: ["smp/2", "spdy"] })).rejects.toMatchObject({
      problem: { kind: "network", error: { type: "TLS" } },
    })
  })

  test("a client without ALPN exchanges messages, the session id sent in each transmission", async () => {
    const [r, s] = [await relay.connect({ alpn: false }), await relay.connect({ alpn: false })]
    expect([r.version, r.session.implySessionId, r.session.serverKey]).toEqual([6, false, undefined])
    for (const algorithm of ["ed25519", "ed448"] as const) {
      const queue = await createQueue(r, { keys: authKeys(algorithm) })
      expect(await secure(r, queue, authKeys(algorithm))).toEqual(OK)
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const received = await receive(r, queue)
      expect(received.text).toBe("hello")
      expect(await ack(r, queue, received)).toEqual(OK)
    }
  })
})

describe("the session id of each connection", () => {
  test("is its own, and of 32 bytes", async () => {
    const ids = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const { sessionId } = await Link.open(relay)
      expect(sessionId).toHaveLength(32)
      ids.add(hex(sessionId))
    }
    expect(ids.size).toBe(5)
  })

  test.each([6, 20])("is under every signature: what another connection of version %i signed is refused", async (v) => {
    const [r, other] = [await relay.connect({ versions: v }), await relay.connect({ versions: v })]
    const queue = await createQueue(r)
    const { sessionId } = other.session
    const corrId = newCorrId()
    const command = Uint8Array.of(0x51, 0x55, 0x45) // QUE
    const signed = concatBytes(
      Uint8Array.of(sessionId.length),
      sessionId,
      Uint8Array.of(24),
      corrId,
      Uint8Array.of(24),
      queue.ids.recipientId,
      command,
    )
    const authorization = nativeCrypto.sign(queue.keys.privateKey as never, signed)
    const who = { entity: queue.ids.recipientId, authorization, corrId }
    expect((await r.ask({ tag: "QUE" }, who)).tag).toBe("ERR")
    expect((await other.ask({ tag: "QUE" }, who)).tag).toBe("INFO")
  })
})

describe("the client's hello", () => {
  const good = (): ClientHello => ({
    version: 20,
    keyHash: relay.relay.fingerprint,
    sessionKey: nativeCrypto.generateKeyPair("x25519").publicKey,
    proxyServer: false,
  })

  test("that can't be read, or is not for this relay, or of a version that was not offered: closed silently", async () => {
    const hellos = [
      EMPTY,
      Uint8Array.of(0),
      encodeClientHello({ ...good(), keyHash: nativeCrypto.randomBytes(32) }),
      encodeClientHello({ ...good(), keyHash: EMPTY }),
      encodeClientHello({ ...good(), version: 5 }),
      encodeClientHello({ ...good(), version: 21 }),
      concatBytes(encodeClientHello(good()).subarray(0, -1), Uint8Array.of(0x32)),
    ]
    for (const hello of hellos) {
      const link = await Link.open(relay)
      link.send(hello)
      await link.closed()
    }
    const link = await Link.open(relay)
    link.sendBlock(new Uint8Array(16_384).fill(0xff))
    await link.closed()
    const legacy = await Link.open(relay, { alpn: [] })
    legacy.send(encodeClientHello({ ...good(), version: 7 }))
    await legacy.closed()
  })

  test("with more behind it, as later versions may have", async () => {
    const link = await Link.open(relay)
    link.send(concatBytes(encodeClientHello({ ...good(), sessionKey: undefined }), new Uint8Array(100).fill(7)))
    await pingPong(link, 20)
  })

  test.each(versionsFrom())("without a key at version %i: blocks are not encrypted", async (version) => {
    const link = await Link.open(relay)
    link.send(encodeClientHello({ ...good(), version, sessionKey: undefined }))
    await pingPong(link, version)
  })

  test.each(versionsFrom(14))(
    "of a proxy at version %i: blocks are not encrypted though there is a key",
    async (version) => {
      const link = await Link.open(relay)
      link.send(encodeClientHello({ ...good(), version, proxyServer: true }))
      await pingPong(link, version)
    },
  )
})

describe("a service", () => {
  test.each(versionsFrom(16))("has the same id with every connection, at version %i", async (v) => {
    for (const service of [selfSigned("N"), withIssuer("N"), withIssuer("P")]) {
      const ids = new Set<string>()
      for (let i = 0; i < 3; i++) ids.add(hex((await relay.connect({ versions: v, service })).serviceId))
      expect(ids.size).toBe(1)
    }
  })

  test("with another role than before", async () => {
    const service = withIssuer("N")
    await relay.connect({ service })
    for (const role of ["M", "P"] as const) {
      await expect(relay.connect({ service: { ...service, role } })).rejects.toMatchObject({
        problem: { kind: "protocol", error: "HANDSHAKE BAD_SERVICE" },
      })
    }
    await relay.connect({ service })
  })

  test("keeps its id and its role after a restart", async () => {
    await using restarted = await TestRelay.start()
    const service = selfSigned("M")
    const { serviceId } = await restarted.connect({ service })
    await restarted.stop()
    await restarted.start()
    expect(hex((await restarted.connect({ service })).serviceId)).toBe(hex(serviceId))
    await expect(restarted.connect({ service: { ...service, role: "N" } })).rejects.toMatchObject({
      problem: { error: "HANDSHAKE BAD_SERVICE" },
    })
  })

  test("whose hello does not fit its certificate", async () => {
    const [own, other] = [selfSigned("M").credentials, selfSigned("M").credentials]
    const key = nativeCrypto.generateKeyPair("ed25519").publicKey
    const x25519 = nativeCrypto.generateKeyPair("x25519").publicKey
    const wrong = [
      { chain: other.chain, signedKey: signKey(nativeCrypto, other.leafKey, key) },
      { chain: own.chain, signedKey: signKey(nativeCrypto, other.leafKey, key) },
      { chain: own.chain, signedKey: signKey(nativeCrypto, own.leafKey, x25519) },
      { chain: [...own.chain, ...own.chain], signedKey: signKey(nativeCrypto, own.leafKey, key) },
    ]
    const hello = { version: 20, keyHash: relay.relay.fingerprint, proxyServer: false } as const
    for (const service of wrong) {
      const link = await Link.open(relay, { certificate: own })
      link.send(encodeClientHello({ ...hello, service: { role: "M", ...service } }))
      expect(decodeServiceResponse(await link.receive())).toEqual({ accepted: false, error: "HANDSHAKE BAD_AUTH" })
      await link.closed()
    }
    // A certificate in TLS without a service in the hello is a client like any other.
    const link = await Link.open(relay, { certificate: own })
    link.send(encodeClientHello(hello))
    await pingPong(link, 20)
  })

  test("with a certificate that has expired", async () => {
    const day = 86_400
    const now = Math.floor(Date.now() / 1000)
    const certificate = createServiceCredentials(nativeCrypto, { now: now - 2 * day, lifetime: day })
    await expect(Link.open(relay, { certificate })).rejects.toThrow()
  })
})

/** `PING` and `PONG` in blocks that are not encrypted. */
async function pingPong(link: Link, version: number): Promise<void> {
  const params = transmissionParams(version, link.sessionId)
  const corrId = newCorrId()
  const command = Uint8Array.of(0x50, 0x49, 0x4e, 0x47)
  link.send(singleContent(encodeTransmission(params, { corrId, entityId: EMPTY, command })))
  const [answer] = decodeResponses(await link.receive(), params)
  if (answer?.ok !== true) throw new Error("an answer that can't be read")
  expect(equalBytes(answer.corrId, corrId)).toBe(true)
  expect(answer.message).toEqual({ tag: "PONG" })
  link.close()
}
