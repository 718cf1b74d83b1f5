import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { connect as connectTcp, createServer, type Socket } from "node:net"
import { fromUtf8, toHex, utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import type { TestRelay } from "../support/relay.ts"
import { perTest } from "./per-test.ts"
import { addressOf, connect, exchange, TestAgent } from "./test-agent.ts"

/* agent.md §21, "Subscriptions", "Operators" and private routing: what relays see, and when they are away. */

const { startRelay, agent, keep } = perTest({
  store: "memory",
  settings: { "relay.message_quota": 128, "proxy.allow_private": true },
})

describe("a relay that goes away and comes back", () => {
  test("is told once for all its connections", async () => {
    const relay = await startRelay({ store: "lmdb" })
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const pairs = [await connect(alice, bob), await connect(alice, bob), await connect(alice, bob)]
    const { port } = relay
    await relay.stop()
    const down = await alice.next("down")
    expect(down.connectionIds.map(toHex).toSorted()).toEqual(pairs.map(({ a }) => toHex(a)).toSorted())
    await relay.start({ "relay.port": port })
    const up = await alice.next("up")
    expect(up.connectionIds.map(toHex).toSorted()).toEqual(pairs.map(({ a }) => toHex(a)).toSorted())
    expect(alice.events.filter(({ type }) => type === "down" || type === "up")).toEqual([])
    await bob.next("up")
    for (const pair of pairs) await exchange(alice, bob, pair)
  })

  test("is waited for when an agent starts without it", async () => {
    const relay = await startRelay({ store: "lmdb" })
    const alice = await agent("alice", [relay], { store: "lmdb" })
    const bob = await agent("bob", [relay])
    const { a, b } = await connect(alice, bob)
    const { port } = relay
    await alice.stop()
    await relay.stop()
    await alice.start()
    await relay.start({ "relay.port": port })
    alice.agent.retryNow()
    await alice.next("up")
    bob.agent.retryNow()
    await bob.next("up")
    await exchange(alice, bob, { a, b })
  })
})

test("200 connections are subscribed in batches, messages that wait come with them", async () => {
  const relay = await startRelay()
  const bob = await agent("bob", [relay])
  const alice = await agent("alice", [relay], { store: "lmdb" })
  const ids: Uint8Array[] = []
  for (let n = 0; n < 200; n++) {
    const { connectionId, link } = await alice.agent.createConnection(alice.userId, { keys: "off" })
    ids.push(connectionId)
    if (n % 50 === 0) await bob.agent.joinConnection(bob.userId, link, { info: utf8(`${n}`), pq: false })
  }
  for (let n = 0; n < 4; n++) await alice.next("confirmation")
  const { connectionId: late, link } = await alice.agent.createConnection(alice.userId, { keys: "off" })
  await alice.stop()
  await bob.agent.joinConnection(bob.userId, link, { info: utf8("late"), pq: false })
  await alice.start()
  expect(fromUtf8((await alice.next("confirmation", late)).info)).toBe("late")
  expect(await alice.agent.subscribe()).toEqual([])
  expect(await alice.agent.connections()).toHaveLength(ids.length + 1)
})

test("another client that subscribes ends the subscription of the first", async () => {
  const relay = await startRelay()
  const alice = await agent("alice", [relay], { store: "lmdb" })
  const bob = await agent("bob", [relay])
  const { a } = await connect(alice, bob)
  const twin = await TestAgent.open("twin", { servers: [relay], store: "lmdb" })
  keep(twin)
  await twin.cloneFrom(alice)
  await twin.agent.subscribe()
  await alice.next("ended", a)
})

describe("private routing", () => {
  /** Forwards to a relay, and notes who connects. */
  class Watcher implements AsyncDisposable {
    readonly port: number
    /** Local ports of the clients, as the relay would see them. */
    readonly clients: number[] = []
    readonly #close: () => Promise<void>

    private constructor(port: number, close: () => Promise<void>) {
      this.port = port
      this.#close = close
    }

    static async before(relay: TestRelay): Promise<Watcher> {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        watcher.clients.push(socket.remotePort ?? 0)
        const onward = connectTcp({ host: "127.0.0.1", port: relay.port })
        for (const [one, peer] of [
          [socket, onward],
          [onward, socket],
        ] as const) {
          sockets.add(one)
          one.on("error", () => peer.destroy())
          one.on("close", () => peer.destroy())
          one.pipe(peer)
        }
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const close = async (): Promise<void> => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, "close")
      }
      const watcher = new Watcher((server.address() as AddressInfo).port, close)
      keep(watcher)
      return watcher
    }

    [Symbol.asyncDispose](): Promise<void> {
      return this.#close()
    }
  }

  test("a connection made through a short link shows its joiner to the joiner's own relay only", async () => {
    const [ofAlice, ofBob] = [await startRelay(), await startRelay()]
    const seen = await Watcher.before(ofAlice)
    const address = { ...addressOf(ofAlice), port: String(seen.port) }
    const dialed: number[] = []
    const alice = await TestAgent.open("alice", { servers: [{ address }] })
    const bob = await TestAgent.open("bob", {
      servers: [ofBob],
      network: { proxyUse: "unknown", proxyFallback: "no" },
      // Everything that Bob opens goes through here.
      dial: async ({ host, port }, signal) => {
        dialed.push(port)
        const socket = connectTcp({ host, port, signal })
        await once(socket, "connect")
        return socket
      },
    })
    keep(alice, bob)
    const before = new Set(seen.clients)
    const { connectionId: a, shortLink = "" } = await alice.agent.createConnection(alice.userId, {
      linkData: utf8("x"),
    })
    const aliceOnly = seen.clients.filter((port) => !before.has(port)).length
    expect(aliceOnly).toBe(1)
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, shortLink, { info: utf8("Bob") })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8("Alice"))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    await bob.say(b, "hidden")
    const { proxy } = await bob.next("sent", b)
    expect(proxy?.port).toBe(String(ofBob.port))
    expect(await alice.text(a)).toBe("hidden")
    await alice.say(a, "seen by Bob's relay, and by Bob")
    await bob.text(b)

    expect(new Set(dialed)).toEqual(new Set([ofBob.port]))
    // Alice's relay has seen Alice, and the relay that Bob goes through; no connection of Bob.
    expect(seen.clients).toHaveLength(2)
  })

  test.each([
    ["always", [true, true]],
    ["unknown", [false, true]],
    ["unprotected", [false, true]],
    ["never", [false, false]],
  ] as const)("in mode %s goes through a proxy exactly where it should", async (proxyUse, expected) => {
    const [own, foreign] = [await startRelay(), await startRelay()]
    const alice = await agent("alice", [own], { network: { proxyUse, proxyFallback: "no" } })
    const answers: boolean[] = []
    for (const relay of [own, foreign]) {
      const bob = await agent("bob", [relay], { network: { privacy: "fast" } })
      const { a, b } = await connect(alice, bob)
      await alice.say(a, "hello")
      const { proxy } = await alice.next("sent", a)
      answers.push(proxy !== undefined)
      expect(await bob.text(b)).toBe("hello")
    }
    expect(answers).toEqual(expected)
  })

  test("falls back to a direct connection only where that is allowed", async () => {
    const [proxy, foreign] = [await startRelay({ settings: { "proxy.allow_private": false } }), await startRelay()]
    const bob = await agent("bob", [foreign])
    for (const proxyFallback of ["yes", "no"] as const) {
      const alice = await agent("alice", [proxy], { network: { proxyUse: "always", proxyFallback } })
      const { link } = await bob.agent.createConnection(bob.userId)
      const joining = alice.agent.joinConnection(alice.userId, link, { info: utf8("") })
      if (proxyFallback === "yes") expect((await joining).secured).toBe(true)
      else await expect(joining).rejects.toMatchObject({ problem: { code: "PROXY" } })
    }
  })
})

test("the second queue is at a relay of another operator, if there is one", async () => {
  const [one, two, three] = [await startRelay(), await startRelay(), await startRelay()]
  const alice = await agent("alice", [one])
  const bob = await agent("bob", [], {
    servers: [
      { address: addressOf(one), operator: "first" },
      { address: addressOf(two), operator: "first" },
      { address: addressOf(three), operator: "second" },
    ],
  })
  const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
  await bob.agent.joinConnection(bob.userId, link, { info: utf8("") })
  const { servers } = await alice.next("confirmation", a)
  expect(servers.map(({ port }) => port)).toEqual([String(three.port)])
})

test("other session modes and network settings while connected change nothing for the user", async () => {
  const relay = await startRelay()
  const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
  const pairs = [await connect(alice, bob), await connect(alice, bob)]
  for (const sessionMode of ["entity", "server", "session", "user"] as const) {
    await alice.agent.setNetwork({ privacy: "fast", sessionMode })
    for (const pair of pairs) await exchange(alice, bob, pair, sessionMode)
  }
})
