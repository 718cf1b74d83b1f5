import { once } from "node:events"
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net"
import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import type { TestRelay } from "../support/relay.ts"
import { perTest } from "./per-test.ts"
import { addressOf, connect, exchange, type TestAgentOptions } from "./test-agent.ts"

/* Onion hosts through SOCKS, sessions kept apart there, and noise. */

const { startRelay, agent, keep } = perTest({ store: "memory", settings: { "relay.message_quota": 128 } })

const ONION = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"

/** A SOCKS proxy with passwords, which knows one onion host. */
class SocksProxy implements AsyncDisposable {
  readonly requests: { readonly user: string; readonly host: string }[] = []
  port = 0
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => {
    this.#sockets.add(socket)
    socket.on("error", () => socket.destroy())
    this.#serve(socket).catch(() => socket.destroy())
  })
  readonly #relay: TestRelay

  constructor(relay: TestRelay) {
    this.#relay = relay
  }

  static async before(relay: TestRelay): Promise<SocksProxy> {
    const proxy = new SocksProxy(relay)
    proxy.#server.listen(0, "127.0.0.1")
    await once(proxy.#server, "listening")
    proxy.port = (proxy.#server.address() as AddressInfo).port
    keep(proxy)
    return proxy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, "close")
  }

  /** RFC 1928 and RFC 1929, as far as a well-behaved client needs it: each message comes in one piece. */
  async #serve(socket: Socket): Promise<void> {
    const next = async (): Promise<Buffer> => {
      const [data] = (await once(socket, "data")) as [Buffer]
      return data
    }
    const [, , method] = await next()
    socket.write(Uint8Array.of(5, method ?? 0xff))
    let user = ""
    if (method === 2) {
      const credentials = await next()
      user = credentials.subarray(2, 2 + (credentials[1] ?? 0)).toString("latin1")
      socket.write(Uint8Array.of(1, 0))
    }
    const request = await next()
    const host = request.subarray(5, 5 + (request[4] ?? 0)).toString("latin1")
    this.requests.push({ user, host })
    const onward = connectTcp({ host: "127.0.0.1", port: this.#relay.port })
    this.#sockets.add(onward)
    onward.on("error", () => socket.destroy())
    await once(onward, "connect")
    socket.pipe(onward).pipe(socket)
    socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
  }
}

describe("an onion host", () => {
  test("is reached through the SOCKS proxy, each session with credentials of its own where that is wanted", async () => {
    const relay = await startRelay()
    const proxy = await SocksProxy.before(relay)
    const server = { address: { ...addressOf(relay), hosts: ["127.0.0.1", ONION] } }
    const socks = { proxy: { host: "127.0.0.1", port: proxy.port }, use: "onion" } as const
    const alice = await agent("alice", [server], { network: { privacy: "fast", sessionMode: "entity", socks } })
    const bob = await agent("bob", [relay])
    await exchange(alice, bob, await connect(alice, bob))
    await connect(alice, bob)
    expect(new Set(proxy.requests.map(({ host }) => host))).toEqual(new Set([ONION]))
    expect(new Set(proxy.requests.map(({ user }) => user)).size).toBe(2)
    expect(proxy.requests.every(({ user }) => user.length === 44)).toBe(true)
  })

  test("is refused where it is required and there is none", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay], { network: { hostMode: "onion", requiredHost: true } })
    await expect(alice.agent.createConnection(alice.userId)).rejects.toMatchObject({
      problem: { code: "BROKER", error: { type: "HOST" } },
    })
  })
})

describe("noise", () => {
  const NOISY: Partial<TestAgentOptions> = { network: { privacy: "fast", noise: { minMs: 1, maxMs: 5 } } }

  test("is sent to a peer that takes it, and not seen by its user", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay], NOISY), await agent("bob", [relay], NOISY)]
    const { a, b } = await connect(alice, bob)
    await alice.say(a, "hello")
    await bob.text(b, true)
    const receipt = await alice.next("receipt", a)
    await alice.agent.acknowledge(a, receipt.meta.messageId)
    // Noise takes numbers as every message does: so many were sent when the next message has such a number.
    let external = 0n
    for (let n = 0; external < 8n; n++) {
      await alice.agent.setNetwork(NOISY.network ?? {})
      await alice.say(a, `${n}`)
      const { meta } = await bob.next("message", b)
      expect(meta.integrity).toEqual({ type: "OK" })
      await bob.agent.acknowledge(b, meta.messageId)
      if (meta.externalId > BigInt(n + 3)) external = meta.externalId
    }
    expect(bob.events.filter(({ type }) => type === "message")).toEqual([])
    expect(alice.events.filter(({ type, ...event }) => type === "sent" && !("messageId" in event))).toEqual([])
  })

  test("is never sent to a peer that does not say that it takes it", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay], NOISY), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    for (let n = 0; n < 5; n++) {
      await alice.say(a, `${n}`)
      const { meta } = await bob.next("message", b)
      // The confirmation is number 1, each text has the next number: there is nothing in between.
      expect(meta.externalId).toBe(BigInt(n + 2))
      await bob.agent.acknowledge(b, meta.messageId, { receipt: true })
      const receipt = await alice.next("receipt", a)
      await alice.agent.acknowledge(a, receipt.meta.messageId)
    }
  })
})

describe("an agent that is suspended", () => {
  test("finishes what it sends, then says and hears nothing until it goes on", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    await alice.agent.suspend()
    await alice.next("suspended")
    await alice.say(a, "stored")
    await bob.say(b, "waits")
    await bob.next("sent", b)
    expect(alice.events.map(({ type }) => type)).not.toContain("message")
    await alice.agent.resume()
    expect(await alice.text(a)).toBe("waits")
    expect(await bob.text(b)).toBe("stored")
  })
})

test("a caller that gives up gets the reason of its signal, and can go on later", async () => {
  const [ofAlice, ofBob] = [await startRelay(), await startRelay()]
  const [alice, bob] = [await agent("alice", [ofAlice]), await agent("bob", [ofBob])]
  const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
  const connectionId = bob.agent.newConnectionId()
  const reason = new Error("too slow")
  const aborted = AbortSignal.abort(reason)
  await expect(
    bob.agent.joinConnection(bob.userId, link, { info: utf8(""), connectionId, signal: aborted }),
  ).rejects.toBe(reason)
  await expect(bob.agent.readLink(bob.userId, link, { signal: aborted })).rejects.toBe(reason)
  const giveUp = new AbortController()
  const joining = bob.agent.joinConnection(bob.userId, link, { info: utf8(""), connectionId, signal: giveUp.signal })
  giveUp.abort(reason)
  await expect(joining).rejects.toBe(reason)
  await bob.agent.joinConnection(bob.userId, link, { info: utf8(""), connectionId })
  const { confirmationId } = await alice.next("confirmation", a)
  await alice.agent.allowConnection(a, confirmationId, utf8(""))
  await Promise.all([alice.next("connected", a), bob.next("connected", connectionId)])
})
