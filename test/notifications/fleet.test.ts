import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { openRedisNtfStore } from "@sluice/notifications/store/redis/redis-ntf-store"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { SmpClient } from "@sluice/smp-client/client"
import type { CreatedNotifier, CreatedQueue } from "@sluice/smp-client/queue-types"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startCluster } from "../../packages/redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { eventually, TestDevice } from "../support/notifications.ts"
import { type FleetNode, NtfFleet } from "../support/ntf-fleet.ts"
import type { ArrivedPush } from "../support/push-service.ts"
import { TestRelay } from "../support/relay.ts"

let redis: TestRedis
let prefixes = 0

beforeAll(async () => {
  if (haveRedis) redis = await startRedis({ appendonly: true })
})
afterAll(() => redis?.[Symbol.asyncDispose]())

const settings = () => ({
  "redis.nodes": [`127.0.0.1:${redis.port}`],
  "redis.prefix": `t${prefixes++}:`,
  "redis.command_timeout": "2s",
})

const messagesOf = ({ push }: NtfFleet): ArrivedPush[] => push.received.filter(({ kind }) => kind === "message")
const ups = ({ nodes }: NtfFleet): number[] => nodes.map(({ server }) => server.relays.states.up)
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/** Registers at a node; the push that verifies may come from any. */
async function verified(fleet: NtfFleet, connection: NtfConnection, name: string): Promise<TestDevice> {
  const device = await TestDevice.register(connection, fleet.push.token(name))
  const arrived = () => fleet.push.received.find((push) => push.device === name)
  await eventually(() => arrived() !== undefined)
  await connection.verifyToken(device.access, device.code(arrived() as ArrivedPush))
  return device
}

interface Notified {
  readonly queue: CreatedQueue
  readonly notifier: CreatedNotifier
  readonly client: SmpClient
}

async function notified(client: SmpClient): Promise<Notified> {
  const queue = await client.createQueue()
  return { queue, notifier: await client.enableNotifications(queue), client }
}

async function send({ client, queue }: Notified): Promise<void> {
  const arrival = client.events.once("message")
  await client.sendMessage(queue, utf8("hello"), { notify: true })
  await client.acknowledge(queue, (await arrival).msgId)
}

/** Subscribes to a queue and waits until its relay knows. */
async function subscribe(
  connection: NtfConnection,
  device: TestDevice,
  server: Server,
  { notifier }: Notified,
): Promise<void> {
  const id = await connection.subscribe(device.access, {
    queue: { server, notifierId: notifier.notifierId },
    notifierKey: notifier.notifierKey,
  })
  await eventually(async () => (await connection.checkSubscription(id, device.access.key)).type === "ACTIVE")
}

describe.skipIf(!haveRedis)("notification servers that share a Redis", () => {
  it("serve any device, and each relay is subscribed by one of them", { timeout: 60_000 }, async () => {
    await using fleet = await NtfFleet.start(3, settings())
    const relays = await Promise.all(Array.from({ length: 6 }, () => TestRelay.start()))
    await using stack = new AsyncDisposableStack()
    for (const relay of relays) stack.use(relay)
    const [a, b, c] = await Promise.all(fleet.nodes.map((node) => fleet.connect(node)))
    if (a === undefined || b === undefined || c === undefined) throw new Error("three nodes")
    const device = await verified(fleet, a, "abcd")
    expect(await b.checkToken(device.access)).toEqual({ type: "ACTIVE" })

    const queues: Notified[] = []
    for (const [at, relay] of relays.entries()) {
      const client = stack.use(new SmpClient(relay.address))
      const queue = await notified(client)
      queues.push(queue)
      await subscribe(at % 2 === 0 ? b : c, device, relay.address, queue)
    }
    // A subscription is known as active a moment before its relay counts as up.
    await eventually(() => sum(ups(fleet)) === 6)
    for (const [at, queue] of queues.entries()) {
      await send(queue)
      await eventually(() => messagesOf(fleet).length === at + 1)
    }
    expect(messagesOf(fleet).map((push) => device.list(push).length)).toEqual([1, 2, 3, 4, 5, 6])

    // A node that ends leaves its relays to the others, and one that comes takes its share.
    const [first] = fleet.nodes
    await fleet.remove(first as FleetNode)
    await eventually(() => sum(ups(fleet)) === 6)
    await fleet.add()
    await eventually(() => sum(ups(fleet)) === 6 && sum(fleet.nodes.map(({ server }) => statesOf(server))) === 6)
    const before = messagesOf(fleet).length
    for (const queue of queues) await send(queue)
    await eventually(() => messagesOf(fleet).length >= before + 1)
    await eventually(async () => (await pendingOf(fleet)) === 0)
    for (const { log } of fleet.nodes) expect(log.entries.filter(({ level }) => level === "error")).toEqual([])
  })

  it("do the same on a Cluster of three", { timeout: 60_000 }, async () => {
    await using cluster = await startCluster({ masters: 3 })
    const nodes = cluster.masters.map(({ port }) => `127.0.0.1:${port}`)
    await using fleet = await NtfFleet.start(2, { "redis.kind": "cluster", "redis.nodes": nodes })
    await using relay = await TestRelay.start()
    await using client = new SmpClient(relay.address)
    const [a, b] = await Promise.all(fleet.nodes.map((node) => fleet.connect(node)))
    if (a === undefined || b === undefined) throw new Error("two nodes")
    const device = await verified(fleet, a, "abcd")
    for (const [at, connection] of [a, b].entries()) {
      const queue = await notified(client)
      await subscribe(connection, device, relay.address, queue)
      await send(queue)
      await eventually(() => messagesOf(fleet).length === at + 1)
    }
    await eventually(() => sum(ups(fleet)) === 1)
    for (const { log } of fleet.nodes) expect(log.entries.filter(({ level }) => level === "error")).toEqual([])
  })

  it("do periodic pushes and second attempts once", { timeout: 60_000 }, async () => {
    const options = settings()
    await using fleet = await NtfFleet.start(3, options)
    const [first] = fleet.nodes
    if (first === undefined) throw new Error("a node")
    const connection = await fleet.connect(first)
    fleet.push.answerNext("limited")
    // The first attempt is refused, the second one any node's.
    const device = await verified(fleet, connection, "abcd")
    const kinds = () => fleet.push.received.map(({ kind }) => kind)
    await eventually(() => kinds().length === 2)
    expect(kinds()).toEqual(["verification", "verification"])
    expect(await connection.checkToken(device.access)).toEqual({ type: "ACTIVE" })

    await connection.setPeriodicPushes(device.access, 20)
    await using redisConnection = openRedis(
      { ...redis.config(), prefix: `${options["redis.prefix"]}ntf:` },
      { log: silentLog, clock: systemClock },
    )
    await redisConnection.ready(5000)
    const store = openRedisNtfStore({ connection: redisConnection, node: "test" })
    await store.cronSent(device.access.tokenId, 0)
    await eventually(() => kinds().length > 2)
    // Long enough for each node to have looked several times.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(kinds()).toEqual(["verification", "verification", "check-messages"])
  })

  it("have metrics that docs/notifications.md describes, and no others", async () => {
    await using fleet = await NtfFleet.start(1, settings())
    const text = await readFile(join(import.meta.dirname, "..", "..", "docs", "notifications.md"), "utf8")
    const [served = ""] = await metricsOf(fleet)
    const names = [...served.matchAll(/^# TYPE (sluice_ntf_fleet_\w+) /gm)].map(([, name]) => name)
    const rows = [...text.matchAll(/^\| `(sluice_ntf_fleet_\w+)`/gm)].map(([, name]) => name)
    expect(names.length).toBeGreaterThan(5)
    expect(rows.toSorted()).toEqual(names.toSorted())
  })

  it("go on by themselves after Redis was away", { timeout: 60_000 }, async () => {
    await using fleet = await NtfFleet.start(2, settings())
    await using relay = await TestRelay.start()
    await using client = new SmpClient(relay.address)
    const [a, b] = await Promise.all(fleet.nodes.map((node) => fleet.connect(node)))
    if (a === undefined || b === undefined) throw new Error("two nodes")
    const device = await verified(fleet, a, "abcd")
    const queue = await notified(client)
    await subscribe(b, device, relay.address, queue)
    await redis.kill()
    await expect(a.checkToken(device.access)).rejects.toThrow()
    const [first] = fleet.nodes
    await eventually(async () => (await first?.server.readiness.report())?.ready === false)
    await send(queue)
    await redis.start()
    await eventually(() => sum(ups(fleet)) === 1)
    await eventually(() => messagesOf(fleet).length >= 1)
    await send(queue)
    await eventually(() => messagesOf(fleet).length >= 2)
    expect(await b.checkToken(device.access)).toEqual({ type: "ACTIVE" })
  })
})

/** Relays that a server has anything to do with. */
function statesOf({ relays }: FleetNode["server"]): number {
  const { connecting, subscribing, up, waiting } = relays.states
  return connecting + subscribing + up + waiting
}

/** Pushes under way at all servers. */
async function pendingOf(fleet: NtfFleet): Promise<number> {
  const running = /^sluice_notifications_pushes_running (\d+)/m
  return sum((await metricsOf(fleet)).map((text) => Number(running.exec(text)?.[1] ?? 0)))
}

function metricsOf({ nodes }: NtfFleet): Promise<string[]> {
  return Promise.all(
    nodes.map(async ({ server }) => (await fetch(`http://127.0.0.1:${server.adminAddress.port}/metrics`)).text()),
  )
}
