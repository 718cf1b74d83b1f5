import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { describe, expect, test } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startCluster, until } from "../../packages/redis/test/start-cluster.ts"
import { startRedis } from "../../packages/redis/test/start-redis.ts"
import { createQueue, OK } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, delivered, receive, sendTo, subWithMessage } from "../support/steps.ts"

/** Whether the relay says that it wants connections. */
async function isReady({ relay }: TestRelay): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${relay.adminAddress.port}/readyz`)).status === 200
}

/** The kind of an error, or the tag of another answer. */
function kindOf(answer: BrokerMessage): string {
  return answer.tag === "ERR" ? `ERR ${answer.error.type}` : answer.tag
}

const FAILED = /^ERR (STORE|INTERNAL)$/

describe.skipIf(!haveRedis)("a relay on Redis", () => {
  test("answers errors and is not ready while Redis is away, and goes on by itself when it is back", async () => {
    await using redis = await startRedis({ appendonly: true })
    const nodes = [`127.0.0.1:${redis.port}`]
    const settings = { "redis.nodes": nodes, "redis.durability": "fsync", "redis.command_timeout": "300ms" }
    await using server = await TestRelay.start({ store: "redis", settings })
    const recipient = await server.connect()
    const sender = await server.connect()
    const queue = await createQueue(recipient)
    expect(await sendTo(sender, queue, "one")).toEqual(OK)
    const one = await receive(recipient, queue)
    expect(one.text).toBe("one")
    expect(await ack(recipient, queue, one)).toEqual(OK)
    expect(await sendTo(sender, queue, "two")).toEqual(OK)
    const two = await receive(recipient, queue)
    expect(await isReady(server)).toBe(true)

    await redis.kill()
    expect(kindOf(await sendTo(sender, queue, "lost"))).toMatch(FAILED)
    expect(kindOf(await ack(recipient, queue, two))).toMatch(FAILED)
    expect(await isReady(server)).toBe(false)

    await redis.start()
    await until(() => isReady(server))
    expect(await sendTo(sender, queue, "three")).toEqual(OK)
    expect(delivered(queue, await ack(recipient, queue, two)).text).toBe("three")

    redis.pause()
    expect(kindOf(await sendTo(sender, queue, "nor this"))).toMatch(FAILED)
    redis.resume()
    await until(() => isReady(server))
    const again = await server.connect()
    expect((await subWithMessage(again, queue)).first.text).toBe("three")
  })

  test("refuses changes while Redis is a replica or full, and keeps what it has", async () => {
    await using redis = await startRedis()
    const settings = { "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory" }
    await using server = await TestRelay.start({ store: "redis", settings })
    const recipient = await server.connect()
    const sender = await server.connect()
    const queue = await createQueue(recipient)
    expect(await sendTo(sender, queue, "one")).toEqual(OK)
    const one = await receive(recipient, queue)

    await redis.command("REPLICAOF", "127.0.0.1", 1)
    expect(kindOf(await sendTo(sender, queue, "two"))).toMatch(FAILED)
    expect(await isReady(server)).toBe(false)
    await redis.command("REPLICAOF", "NO", "ONE")
    await until(() => isReady(server))

    await redis.command("CONFIG", "SET", "maxmemory", 1)
    expect(kindOf(await sendTo(sender, queue, "two"))).toMatch(FAILED)
    // What frees memory still works, so balancers may send those who can.
    expect(await isReady(server)).toBe(true)
    expect(await ack(recipient, queue, one)).toEqual(OK)
    await redis.command("CONFIG", "SET", "maxmemory", 0)
    await until(() => isReady(server))
    expect(await sendTo(sender, queue, "three")).toEqual(OK)
    expect((await receive(recipient, queue)).text).toBe("three")
  })

  test("says what Redis is not set up to do, and keeps its messages over a restart of the relay", async () => {
    await using redis = await startRedis()
    const settings = { "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "fsync" }
    await using server = await TestRelay.start({ store: "redis", settings })
    const codes = server.log.entries.flatMap(({ level, fields }) =>
      level === "warn" && "code" in fields ? [fields.code] : [],
    )
    expect(codes).toContain("APPEND_ONLY_OFF")
    const queue = await createQueue(await server.connect())
    expect(await sendTo(await server.connect(), queue, "kept")).toEqual(OK)
    await server.stop()
    await server.start()
    expect((await subWithMessage(await server.connect(), queue)).first.text).toBe("kept")
  })

  test("serves on a Redis Cluster, and while one of its primaries is replaced", async () => {
    await using cluster = await startCluster({ masters: 3, replicas: 1 })
    const settings = {
      ...{ "redis.kind": "cluster", "redis.nodes": cluster.masters.map(({ port }) => `127.0.0.1:${port}`) },
      ...{ "redis.durability": "replicated", "redis.connect_timeout": "500ms" },
    }
    await using server = await TestRelay.start({ store: "redis", settings })
    const recipient = await server.connect()
    const sender = await server.connect()
    const queues = []
    for (let n = 0; n < 12; n++) {
      await until(() => isReady(server))
      queues.push(await createQueue(recipient))
    }
    for (const queue of queues) {
      expect(await sendTo(sender, queue, "before")).toEqual(OK)
      expect((await receive(recipient, queue)).text).toBe("before")
    }
    const [lost] = cluster.masters
    const [replica] = cluster.replicas
    await lost?.kill()
    await until(async () => String(await replica?.command("ROLE")).startsWith("master"))
    await lost?.start()
    await cluster.settled()
    await until(() => isReady(server))
    const again = await server.connect()
    for (const queue of queues) {
      await until(async () => kindOf(await sendTo(sender, queue, "after")) === "OK")
      expect((await subWithMessage(again, queue)).first.text).toBe("before")
    }
  })

  test("does not start without Redis, and names the setting", async () => {
    const settings = { "redis.nodes": ["127.0.0.1:1"], "redis.connect_timeout": "100ms" }
    await expect(TestRelay.start({ store: "redis", settings })).rejects.toThrow(/^redis\.nodes: /)
  })
})
