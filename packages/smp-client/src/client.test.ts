import { nativeCrypto as c } from "@sluice/crypto/native"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { createServiceCredentials } from "@sluice/transport/identity"
import { afterEach, expect, test } from "vitest"
import { type FakeConnection, FakeServer, type FakeServerOptions } from "../test/fake-server.ts"
import { ManualClock } from "../test/manual-clock.ts"
import { problem } from "../test/problem.ts"
import { type ClientEvent, type ClientOptions, SmpClient } from "./client.ts"
import { type Dial, tcpDial } from "./dial.ts"

const keys = c.generateKeyPair("ed25519")
const queues = Array.from({ length: 5 }, () => ({ recipientId: c.randomBytes(24), recipientKey: keys.privateKey }))
const queue = { recipientId: c.randomBytes(24), recipientKey: keys.privateKey }
const senderQueue = { senderId: c.randomBytes(24) }
const BACKOFF = { initialMs: 1000, factor: 2, maxMs: 8000, jitter: 0, stableMs: 60_000 }

/** What a friendly server answers. */
function friendly({ command }: ReceivedCommand): BrokerMessage {
  switch (command.tag) {
    case "SUB":
    case "NSUB":
      return { tag: "SOK" }
    case "SUBS":
    case "NSUBS":
      return { tag: "SOKS", counters: command.expected }
    case "PING":
      return { tag: "PONG" }
    default:
      return { tag: "OK" }
  }
}

interface Setup {
  readonly server: FakeServer
  readonly client: SmpClient
  readonly clock: ManualClock
  readonly seen: string[]
  /** Attempts to dial; those numbered in `failing` are refused. */
  dials: number
  failing: boolean
  /** Resolves once a retry is waiting for its time. */
  untilWaiting(): Promise<void>
}

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

async function setup(serverOptions: FakeServerOptions = {}, options: ClientOptions = {}): Promise<Setup> {
  const server = await FakeServer.start({ respond: friendly, ...serverOptions })
  const clock = new ManualClock()
  const dial: Dial = (target, signal) => {
    state.dials++
    return state.failing ? Promise.reject(new Error("no way")) : tcpDial()(target, signal)
  }
  const client = new SmpClient(server.address, { clock, dial, backoff: BACKOFF, ...options })
  open.push(client, server)
  const seen: string[] = []
  client.events.onAny(({ type }) => seen.push(type))
  const state: Setup = {
    server,
    client,
    clock,
    seen,
    dials: 0,
    failing: false,
    async untilWaiting() {
      while (client.up || clock.pending === 0) await new Promise(setImmediate)
    },
  }
  return state
}

function tags(peer: FakeConnection): string[] {
  return peer.commands.map(({ command }) => command.tag)
}

test("connects when the first command needs it, once for all", async () => {
  const { server, client, seen } = await setup()
  expect(server.connections).toHaveLength(0)
  await Promise.all([client.ping(), client.ping(), client.sendMessage(senderQueue, Uint8Array.of(1))])
  await client.ping()
  expect(server.connections).toHaveLength(1)
  expect((await server.connection()).blocks[0]).toHaveLength(3)
  expect(client.session?.version).toBe(20)
  expect(seen).toEqual(["up"])
})

test("subscriptions come back after a lost connection", async () => {
  const { server, client, clock, seen, untilWaiting } = await setup()
  await client.subscribeMany(queues)
  await client.subscribeNotifier({ notifierId: queue.recipientId, notifierKey: keys.privateKey })
  await client.deleteQueue(queues[0] ?? queue)
  expect(client.load).toEqual({ subscriptions: 5, waiting: 0 })
  const down = client.events.once("down")
  server.drop()
  expect((await down).error.problem).toEqual({ code: "LOST" })
  await untilWaiting()
  expect(server.connections).toHaveLength(1)
  const resubscribed = client.events.once("resubscribed")
  clock.advance(1000)
  expect(await resubscribed).toEqual({ type: "resubscribed", count: 5, failed: 0 })
  const peer = await server.connection(1)
  expect(tags(peer)).toEqual(["SUB", "SUB", "SUB", "SUB", "NSUB"])
  expect(peer.blocks).toHaveLength(1)
  const renewed = peer.commands.map(({ entityId }) => entityId)
  expect(renewed).toEqual([...queues.slice(1).map((q) => q.recipientId), queue.recipientId])
  expect(seen).toEqual(["up", "down", "up", "resubscribed"])
})

test("a created queue is subscribed, and stays so", async () => {
  const created: BrokerMessage = {
    tag: "IDS",
    recipientId: queue.recipientId,
    senderId: senderQueue.senderId,
    dhKey: c.generateKeyPair("x25519").publicKey,
  }
  const { server, client, clock, untilWaiting } = await setup({
    respond: (sent) => (sent.command.tag === "NEW" ? created : friendly(sent)),
  })
  const made = await client.createQueue()
  await client.createQueue({ subscribe: false })
  expect(client.load.subscriptions).toBe(1)
  server.drop()
  await untilWaiting()
  const resubscribed = client.events.once("resubscribed")
  clock.advance(1000)
  await resubscribed
  const peer = await server.connection(1)
  expect(tags(peer)).toEqual(["SUB"])
  expect(peer.verifies(await peer.command(), c.publicKeyOf(made.recipientKey))).toBe(true)
})

test("what moved away or was deleted is not subscribed again", async () => {
  const { server, client, clock, untilWaiting } = await setup()
  await client.subscribeMany(queues)
  const peer = await server.connection()
  const deleted = client.events.once("deleted")
  peer.event(queues[0]?.recipientId ?? new Uint8Array(), { tag: "END" })
  peer.event(queues[1]?.recipientId ?? new Uint8Array(), { tag: "DELD" })
  await deleted
  expect(client.load.subscriptions).toBe(3)
  server.drop()
  await untilWaiting()
  const resubscribed = client.events.once("resubscribed")
  clock.advance(1000)
  expect(await resubscribed).toMatchObject({ count: 3 })
})

test("a subscription that the server refuses is reported and forgotten, a failing store is not", async () => {
  let answers: BrokerMessage[] = []
  const { server, client, clock, untilWaiting } = await setup({ respond: (sent) => answers.shift() ?? friendly(sent) })
  await client.subscribeMany(queues.slice(0, 3))
  answers = [
    { tag: "ERR", error: { type: "AUTH" } },
    { tag: "ERR", error: { type: "STORE", text: "" } },
  ]
  const failed: ClientEvent[] = []
  client.events.on("subscription-failed", (event) => failed.push(event))
  server.drop()
  await untilWaiting()
  const resubscribed = client.events.once("resubscribed")
  clock.advance(1000)
  expect(await resubscribed).toMatchObject({ count: 3, failed: 2 })
  expect(failed).toMatchObject([
    { kind: "queue", entityId: queues[0]?.recipientId, error: { retryable: false } },
    { kind: "queue", entityId: queues[1]?.recipientId, error: { retryable: true } },
  ])
  expect(client.load.subscriptions).toBe(2)
})

test("messages and acknowledgements work across a reconnection", async () => {
  const message: BrokerMessage = { tag: "MSG", msgId: c.randomBytes(24), body: Uint8Array.of(1) }
  const { server, client, clock, untilWaiting } = await setup({
    respond: (sent) =>
      sent.command.tag === "SUB"
        ? [{ tag: "SOK" }, { corrId: new Uint8Array(), entityId: sent.entityId, message }]
        : friendly(sent),
  })
  const first = client.events.once("message")
  await client.subscribe(queue)
  await first
  server.drop()
  await untilWaiting()
  const again = client.events.once("message")
  clock.advance(1000)
  const { recipientId, msgId } = await again
  expect(recipientId).toEqual(queue.recipientId)
  expect(await client.acknowledge(queue, msgId)).toBeUndefined()
})

test("attempts are spaced by back-off, and down is said once", async () => {
  const state = await setup()
  const { client, clock, seen, server, untilWaiting } = state
  state.failing = true
  const ping = client.ping({ timeoutMs: 1_000_000 })
  await untilWaiting()
  const waits: number[] = []
  for (let attempt = 1; attempt <= 5; attempt++) {
    // a turn for the refusal to be heard: until then the clock has the time limit of the attempt instead
    do await new Promise(setImmediate)
    while (state.dials < attempt || clock.pending < 2)
    waits.push(clock.next ?? 0)
    if (attempt === 5) state.failing = false
    clock.advance(clock.next ?? 0)
  }
  await ping
  expect(waits).toEqual([1000, 2000, 4000, 8000, 8000])
  expect(seen).toEqual(["down", "up"])
  expect(server.connections).toHaveLength(1)
})

test("a connection that does not last does not reset the back-off, one that lasts does", async () => {
  const { client, clock, server, untilWaiting } = await setup()
  await client.subscribe(queue)
  const waits: number[] = []
  for (const lifetime of [0, 0, 0, 60_000]) {
    clock.advance(lifetime)
    server.drop()
    await untilWaiting()
    waits.push(clock.next ?? 0)
    const up = client.events.once("resubscribed")
    clock.advance(clock.next ?? 0)
    await up
  }
  expect(waits).toEqual([1000, 2000, 4000, 1000])
})

test("jitter comes from the injected randomness", async () => {
  const { client, clock, server, untilWaiting } = await setup(
    {},
    { random: () => 0.5, backoff: { ...BACKOFF, jitter: 1 } },
  )
  await client.subscribe(queue)
  server.drop()
  await untilWaiting()
  expect(clock.next).toBe(500)
})

test("without subscriptions and commands it stays away", async () => {
  const { client, clock, server, seen, untilWaiting } = await setup()
  await client.ping()
  server.drop()
  await untilWaiting()
  clock.advance(100_000)
  expect(clock.pending).toBe(0)
  expect(seen).toEqual(["up", "down"])
  await client.ping()
  expect(server.connections).toHaveLength(2)
})

test("commands wait for a limited time and in limited number", async () => {
  const state = await setup({}, { maxWaiting: 2, commandTimeoutMs: 700 })
  const { client, clock, untilWaiting } = state
  state.failing = true
  const stop = new AbortController()
  const first = client.ping()
  const second = client.ping({ signal: stop.signal })
  expect(await problem(client.ping())).toEqual({ code: "BUSY", command: "PING" })
  await untilWaiting()
  stop.abort(new Error("enough"))
  await expect(second).rejects.toThrow("enough")
  await expect(client.ping({ signal: stop.signal })).rejects.toThrow("enough")
  clock.advance(700)
  expect(await problem(first)).toEqual({ code: "CONNECT", stage: "DIAL" })
  expect(client.load.waiting).toBe(0)
})

test("a caller that tries again by itself hears of a failed attempt at once, and can start the next one", async () => {
  const state = await setup({}, { failFast: true })
  const { client } = state
  state.failing = true
  expect(await problem(client.ping())).toEqual({ code: "CONNECT", stage: "DIAL" })
  expect(await problem(client.ping())).toEqual({ code: "CONNECT", stage: "DIAL" })
  expect(state.dials).toBe(2)
  state.failing = false
  await client.ping()
  expect(state.dials).toBe(3)
})

test("a server that is not the right one fails commands at once", async () => {
  const server = await FakeServer.start()
  const client = new SmpClient({ ...server.address, keyHash: new Uint8Array(32) }, { clock: new ManualClock() })
  open.push(client, server)
  expect(await problem(client.ping())).toEqual({ code: "CONNECT", stage: "IDENTITY" })
})

test("commands in flight are not repeated", async () => {
  const { client, server, clock, untilWaiting } = await setup({
    respond: (sent) => (sent.command.tag === "SEND" ? undefined : friendly(sent)),
  })
  const send = client.sendMessage(senderQueue, Uint8Array.of(1))
  await (await server.connection()).command()
  server.drop()
  expect(await problem(send)).toEqual({ code: "LOST" })
  // the connection is known to be gone before its last event: this one waits
  const ping = client.ping()
  await untilWaiting()
  clock.advance(1000)
  await ping
  expect(tags(await server.connection(1))).toEqual(["PING"])
})

test("a service subscribes as a whole, and only queues outside of it one by one", async () => {
  const serviceId = c.randomBytes(24)
  const credentials = createServiceCredentials(c, { now: Math.floor(Date.now() / 1000) })
  let owned = true
  const { client, server, clock, untilWaiting } = await setup(
    {
      lookUpService: () => Promise.resolve(serviceId),
      respond: (sent) => (sent.command.tag === "SUB" ? { tag: "SOK", ...(owned && { serviceId }) } : friendly(sent)),
    },
    { service: { role: "M", credentials } },
  )
  const expected = { count: 5n, hash: new Uint8Array(16).fill(5) }
  await client.subscribeService(expected)
  await client.subscribeMany(queues)
  owned = false
  await client.subscribe(queue)
  expect(client.load.subscriptions).toBe(7)
  server.drop()
  await untilWaiting()
  const resubscribed = client.events.once("resubscribed")
  clock.advance(1000)
  expect(await resubscribed).toMatchObject({ count: 2, failed: 0 })
  const peer = await server.connection(1)
  expect(peer.commands.map(({ command }) => command)).toEqual([{ tag: "SUBS", expected }, { tag: "SUB" }])

  const ended = client.events.once("service-end")
  peer.event(serviceId, { tag: "ENDS", counters: expected })
  await ended
  expect(client.load.subscriptions).toBe(6)
})

test("close at every stage", async () => {
  const up = await setup()
  await up.client.ping()
  const closed = up.client.events.once("closed")
  await up.client.close()
  await up.client.close()
  expect((await closed).error.problem).toEqual({ code: "CLOSED" })
  expect(await problem(up.client.ping())).toEqual({ code: "CLOSED" })

  const connecting = await setup()
  const ping = connecting.client.ping()
  await connecting.client.close()
  expect(await problem(ping)).toEqual({ code: "CLOSED" })

  const waiting = await setup()
  waiting.failing = true
  const later = waiting.client.ping()
  await waiting.untilWaiting()
  await waiting.client.close()
  expect(await problem(later)).toEqual({ code: "CLOSED" })
  expect(waiting.clock.pending).toBe(0)

  const idle = await setup()
  await idle.client.close()
  expect(idle.seen).toEqual(["closed"])
})
