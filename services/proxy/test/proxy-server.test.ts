import { nativeCrypto as c } from "@sluice/crypto/native"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { Request } from "@sluice/smp-client/request"
import type { Command } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { rotateLeaf } from "@sluice/transport/certificates"
import { serviceCredentials } from "@sluice/transport/credentials"
import { createCa } from "@sluice/transport/identity"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { pfwdCommand } from "../../../packages/proxying/test/requests.ts"
import { SmallRelay, until } from "../../../packages/proxying/test/small-relay.ts"
import { newCredentials } from "../../../packages/smp-client/test/fake-server.ts"
import { ProxyUnderTest } from "./proxy-under-test.ts"
import { signedAtRandom } from "./raw-request.ts"

let proxy: ProxyUnderTest
let relay: SmallRelay
let client: SmpConnection

beforeAll(async () => {
  proxy = await ProxyUnderTest.start()
  relay = await SmallRelay.start({ credentials: newCredentials() })
  client = await connect(proxy.address)
})

afterAll(async () => {
  await client.close()
  await relay.close()
  await proxy[Symbol.asyncDispose]()
})

async function ask(request: Request, by: SmpConnection = client): Promise<BrokerMessage> {
  const [answer] = by.send([request])
  if (answer === undefined) throw new Error("no promise")
  return answer
}

function err(error: SmpError): BrokerMessage {
  return { tag: "ERR", error }
}

describe("forwards", () => {
  it("messages, in both directions of a conversation", async () => {
    await using recipient = await connect(relay.address)
    const queue = await recipient.createQueue()
    const proxied = await client.openRelay(relay.address)
    const arrival = recipient.events.once("message")
    const body = c.randomBytes(16_048)
    await proxied.sendMessage(queue, body)
    const message = await arrival
    expect(message.body).toEqual(body)
    await recipient.acknowledge(queue, message.msgId)
  })

  it("for many clients over one connection", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(proxy.address)))
    const sessions = await Promise.all(clients.map(async (one) => (await one.openRelay(relay.address)).session))
    expect(new Set(sessions.map(({ sessionId }) => Buffer.from(sessionId).toString("hex"))).size).toBe(1)
    await Promise.all(clients.map((one) => one.close()))
  })

  it("answers PING, and what comes in one block, too", async () => {
    await client.ping()
    const answers = client.send([
      { command: { tag: "PING" } },
      { command: { tag: "PRXY", server: relay.address } },
      { command: pfwdCommand(), entityId: c.randomBytes(32) },
    ])
    const tags = (await Promise.all(answers)).map(({ tag }) => tag)
    expect(tags).toEqual(["PONG", "PKEY", "ERR"])
  })

  it("can be a proxy to itself, as a relay without queues", async () => {
    const proxied = await client.openRelay(proxy.address)
    const sending = proxied.sendMessage({ senderId: c.randomBytes(24) }, Uint8Array.of(1))
    await expect(sending).rejects.toMatchObject({ problem: { error: { type: "AUTH" }, from: "server" } })
    const resolving = proxied.resolveName("alice.simplex")
    const error = { type: "NAME", error: { type: "NO_RESOLVER" } }
    await expect(resolving).rejects.toMatchObject({ problem: { error, from: "server" } })
    expect((await proxy.page("/metrics")).body).toMatch(/^simplex_smp_relay_messages_received 2$/m)
  })
})

describe("refuses", () => {
  const entityId = c.randomBytes(24)
  const { publicKey, privateKey } = c.generateKeyPair("ed25519")
  const { publicKey: dhKey } = c.generateKeyPair("x25519")
  const data = { fixed: Uint8Array.of(1), user: Uint8Array.of(2) }

  const signed: readonly Command[] = [
    { tag: "SUB" },
    { tag: "KEY", senderKey: publicKey },
    { tag: "RKEY", recipientKeys: [publicKey] },
    { tag: "LSET", linkId: entityId, data },
    { tag: "LDEL" },
    { tag: "NKEY", notifierKey: publicKey, dhKey },
    { tag: "NDEL" },
    { tag: "GET" },
    { tag: "ACK", msgId: entityId },
    { tag: "OFF" },
    { tag: "DEL" },
    { tag: "QUE" },
    { tag: "SKEY", senderKey: publicKey },
    { tag: "SEND", flags: { notification: false }, body: Uint8Array.of(1) },
    { tag: "LKEY", senderKey: publicKey },
    { tag: "NSUB" },
  ]
  const AUTH: SmpError = { type: "AUTH" }

  it.each(signed)("$tag, as if its queue did not exist", async (command) =>
    expect(await ask({ command, entityId, key: privateKey })).toEqual(err(AUTH)),
  )

  it("SEND and LGET without a signature, likewise", async () => {
    const command = { tag: "SEND", flags: { notification: false }, body: Uint8Array.of(1) } as const
    expect(await ask({ command, entityId })).toEqual(err(AUTH))
    expect(await ask({ command: { tag: "LGET" }, entityId })).toEqual(err(AUTH))
  })

  it("NEW, as if the creation of queues was off", async () => {
    const command = { tag: "NEW", recipientKey: publicKey, dhKey, subscription: "subscribe" } as const
    expect(await ask({ command, key: privateKey })).toEqual(err(AUTH))
  })

  it("RSLV, as if there was no resolver", async () => {
    const error: SmpError = { type: "NAME", error: { type: "NO_RESOLVER" } }
    expect(await ask({ command: { tag: "RSLV", name: "alice.simplex" } })).toEqual(err(error))
  })

  it.each(["SUBS", "NSUBS"] as const)("%s, as for everybody who is no service", async (tag) => {
    const expected = { count: 0n, hash: new Uint8Array(16) }
    expect(await signedAtRandom(proxy.address, { tag, expected }, entityId)).toEqual(err({ type: "SERVICE" }))
  })

  it("services", async () => {
    const ca = createCa(c, { now: Math.floor(Date.now() / 1000) })
    const credentials = serviceCredentials(c, [ca.certificate], ca.key.privateKey)
    const connecting = connect(proxy.address, { service: { role: "P", credentials } })
    await expect(connecting).rejects.toMatchObject({ problem: { code: "TRANSPORT", error: "HANDSHAKE BAD_SERVICE" } })
  })

  it("what is malformed, as every server does", async () => {
    expect(await ask({ command: { tag: "PING" }, entityId })).toEqual(err({ type: "CMD", error: "HAS_AUTH" }))
    expect(await ask({ command: pfwdCommand() })).toEqual(err({ type: "CMD", error: "NO_ENTITY" }))
    const small = { ...pfwdCommand(), request: c.randomBytes(100) }
    expect(await ask({ command: small, entityId, key: privateKey })).toEqual(err({ type: "CMD", error: "HAS_AUTH" }))
  })
})

describe("settings", () => {
  const basicAuth = { type: "PROXY", error: { type: "BASIC_AUTH" } }

  it("password", async () => {
    await using closed = await ProxyUnderTest.start({ "proxy_server.password": "correct" })
    await using one = await connect(closed.address)
    for (const password of [undefined, "wrong"]) {
      const opening = one.openRelay(relay.address, { password })
      await expect(opening).rejects.toMatchObject({ problem: { error: basicAuth } })
    }
    await one.openRelay(relay.address, { password: "correct" })
  })

  it("proxying off", async () => {
    await using off = await ProxyUnderTest.start({ "proxy.enabled": false })
    await using one = await connect(off.address)
    await expect(one.openRelay(relay.address)).rejects.toMatchObject({ problem: { error: basicAuth } })
  })

  it("private relays are refused by default", async () => {
    await using strict = await ProxyUnderTest.start({ "proxy.allow_private": false })
    await using one = await connect(strict.address)
    const host = { type: "PROXY", error: { type: "BROKER", error: { type: "HOST" } } }
    await expect(one.openRelay(relay.address)).rejects.toMatchObject({ problem: { error: host } })
  })

  it("versions", async () => {
    await using old = await ProxyUnderTest.start({ "proxy_server.max_version": 16, "proxy.max_forwarded_version": 15 })
    await using one = await connect(old.address)
    expect(one.session.version).toBe(16)
    expect((await (await one.openRelay(relay.address)).session).version).toBe(15)
  })
})

describe("operators", () => {
  it("see health, readiness and metrics", async () => {
    expect((await proxy.page("/healthz")).status).toBe(200)
    expect((await proxy.page("/readyz")).status).toBe(200)
    const { body } = await proxy.page("/metrics")
    expect(body).toMatch(/^simplex_smp_relay_sessions_successes\{source="all"\} [1-9]/m)
    expect(body).toMatch(/^simplex_smp_relay_messages_requests\{source="all"\} [1-9]/m)
    expect(body).toMatch(/^sluice_connections\{stage="session"\} [1-9]/m)
    expect(body).toMatch(/^sluice_certificate_seconds_left [1-9]/m)
  })

  it("find nothing of a client in the log", () => {
    const text = JSON.stringify(proxy.log.entries)
    expect(text).not.toContain(relay.address.port)
    expect(proxy.log.entries.filter(({ level }) => level === "error" || level === "warn")).toEqual([])
  })

  it("can renew the certificate without a restart", async () => {
    await using own = await ProxyUnderTest.start()
    await using before = await connect(own.address)
    const { fingerprint } = own.server
    await rotateLeaf(c, own.folder.identity, { host: "localhost", now: Math.floor(Date.now() / 1000) })
    await own.server.reload()
    expect(own.server.fingerprint).toEqual(fingerprint)
    await using after = await connect(own.address)
    expect(after.session.certifiedServerKey?.chain[0]).not.toEqual(before.session.certifiedServerKey?.chain[0])
    await before.ping()
  })
})

describe("stopping", () => {
  it("answers what was asked before, then closes all connections", async () => {
    await using slow = await SmallRelay.start({ credentials: newCredentials(), deaf: true })
    const own = await ProxyUnderTest.start({ "proxy.response_timeout": "100ms" })
    await using one = await connect(own.address)
    const { sessionId } = await (await one.openRelay(slow.address)).session
    const answer = ask({ command: pfwdCommand(), entityId: sessionId }, one)
    const hop = await slow.server.connection()
    await hop.command()
    const stopped = own.server.stop()
    expect((await own.page("/readyz")).status).toBe(503)
    expect(await answer).toEqual(err({ type: "PROXY", error: { type: "BROKER", error: { type: "TIMEOUT" } } }))
    await stopped
    await hop.until(() => hop.closed)
    await expect(one.ping()).rejects.toMatchObject({ problem: { code: "LOST" } })
    own.folder[Symbol.dispose]()
  })

  it("does not wait beyond its deadline", async () => {
    await using slow = await SmallRelay.start({ credentials: newCredentials(), deaf: true })
    const own = await ProxyUnderTest.start()
    await using one = await connect(own.address)
    const { sessionId } = await (await one.openRelay(slow.address)).session
    const answer = ask({ command: pfwdCommand(), entityId: sessionId }, one)
    const lost = expect(answer).rejects.toMatchObject({ problem: { code: "LOST" } })
    await (await slow.server.connection()).command()
    await own.server.stop(AbortSignal.abort())
    await lost
    await until(() => own.server.metrics.levels().running === 0)
    own.folder[Symbol.dispose]()
  })
})
