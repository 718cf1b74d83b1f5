import { systemClock } from "@sluice/ops/clock"
import { recordingLog, silentLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openRedis, type RedisConnection } from "../src/connection.ts"
import { RedisError } from "../src/redis-error.ts"
import { script } from "../src/script.ts"
import { haveRedis } from "./redis-program.ts"
import { startCluster, type TestCluster, until } from "./start-cluster.ts"
import { startRedis, type TestRedis } from "./start-redis.ts"
import { startSentinel } from "./start-sentinel.ts"

const parts = { log: silentLog, clock: systemClock }
const text = (reply: unknown) => Buffer.from(reply as Uint8Array).toString()
const ECHO = script({ name: "echo", keys: 1, lua: "return {KEYS[1], ARGV[1], redis.call('GET', KEYS[1])}" })

const code = async (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error) => (error instanceof RedisError ? error.code : error),
  )

describe.skipIf(!haveRedis)("a connection to one server", () => {
  let server: TestRedis
  let redis: RedisConnection
  beforeAll(async () => {
    server = await startRedis()
    redis = openRedis(server.config(), parts)
    redis.load([ECHO])
    await redis.ready(5_000)
  })
  afterAll(async () => {
    await redis.close()
    await server[Symbol.asyncDispose]()
  })

  it("sends bytes and gets bytes", async () => {
    const value = new Uint8Array(300).map((_, i) => i)
    expect(text(await redis.command(["SET", "a", value]))).toBe("OK")
    expect(new Uint8Array((await redis.command(["GET", "a"])) as Uint8Array)).toEqual(value)
    expect(await redis.command(["GET", "b"])).toBeNull()
    expect(await redis.command(["INCRBY", "n", 5])).toBe(5)
  })

  it("runs scripts by digest, and by text when the server forgot them", async () => {
    const run = async () => {
      const call = { script: ECHO, keys: ["s"], args: ["x"] }
      const [set, reply] = await redis.run({ steps: [["SET", "s", "1"], call], write: true })
      expect(text(set)).toBe("OK")
      expect((reply as Uint8Array[]).map(text)).toEqual(["s", "x", "1"])
    }
    await run()
    await server.command("SCRIPT", "FLUSH")
    await run()
    await run()
  })

  it("tells refusals apart", async () => {
    expect(await code(redis.command(["NONSENSE"]))).toBe("REDIS_FAILED")
    expect(await code(redis.command(["LPUSH", "a", "1"]))).toBe("REDIS_FAILED")
    await server.command("CONFIG", "SET", "maxmemory", 1)
    expect(await code(redis.command(["SET", "c", "1"]))).toBe("REDIS_FULL")
    await server.command("CONFIG", "SET", "maxmemory", 0)
    await server.command("REPLICAOF", "127.0.0.1", 1)
    expect(await code(redis.command(["SET", "c", "1"]))).toBe("REDIS_READ_ONLY")
    await server.command("REPLICAOF", "NO", "ONE")
  })

  it("says when fewer replicas than asked for confirm a change", async () => {
    const config = server.config({ durability: "replicated", durabilityTimeout: 20 })
    await using replicated = openRedis(config, parts)
    await replicated.ready(5_000)
    const write = replicated.run({ steps: [["SET", "r", "1"]], write: true })
    await expect(write).rejects.toMatchObject({ problem: { code: "REDIS_NOT_DURABLE", confirmed: 0, wanted: 1 } })
    expect(text(await replicated.command(["GET", "r"]))).toBe("1")
  })

  it("passes messages to subscribers", async () => {
    const received: string[] = []
    await using subscriber = redis.subscriber({
      message: (channel, message) => received.push(`${channel} ${text(message)}`),
      up: () => received.push("up"),
      down: () => received.push("down"),
    })
    await Promise.all([subscriber.subscribe("one"), subscriber.subscribe("two")])
    expect(await redis.publish("one", Buffer.from("1"))).toBe(1)
    expect(await redis.publish("three", Buffer.from("3"))).toBe(0)
    expect(await redis.publish("two", Buffer.from("2"))).toBe(1)
    await until(async () => received.length === 3)
    expect(received).toEqual(["up", "one 1", "two 2"])
    await subscriber.unsubscribe("two")
    expect(await redis.publish("two", Buffer.from("2"))).toBe(0)
    await server.command("CLIENT", "KILL", "TYPE", "pubsub")
    await until(async () => received.length === 5)
    expect(received.slice(3)).toEqual(["down", "up"])
    expect(await redis.publish("one", Buffer.from("1"))).toBe(1)
  })

  it("fails at once while the server is away, and comes back by itself", async () => {
    await using own = await startRedis()
    const log = recordingLog()
    await using connection = openRedis(own.config(), { ...parts, log })
    const changes: boolean[] = []
    connection.onChange((isUp) => changes.push(isUp))
    await connection.ready(5_000)
    const underWay = code(connection.command(["BLPOP", "list", 0]))
    await own.kill()
    expect(await underWay).toBe("REDIS_UNAVAILABLE")
    expect(await code(connection.command(["PING"]))).toBe("REDIS_UNAVAILABLE")
    expect(connection.isUp).toBe(false)
    await expect(connection.ready(10)).rejects.toBeInstanceOf(RedisError)
    await own.start()
    await connection.ready(5_000)
    expect(text(await connection.command(["PING"]))).toBe("PONG")
    expect(changes).toEqual([true, false, true])
    expect(log.entries.map(({ level }) => level)).toEqual(expect.arrayContaining(["info", "warn"]))
    await connection.close()
    expect(await code(connection.command(["PING"]))).toBe("REDIS_CLOSED")
  })

  it("gives up on a server that answers nothing", async () => {
    await using own = await startRedis()
    await using connection = openRedis(own.config({ commandTimeout: 50, connectTimeout: 200 }), parts)
    await connection.ready(5_000)
    own.pause()
    expect(await code(connection.command(["PING"]))).toBe("REDIS_UNAVAILABLE")
    own.resume()
    await connection.ready(5_000)
    expect(text(await connection.command(["PING"]))).toBe("PONG")
  })

  it("tells a wrong password from a server that is away", async () => {
    await using own = await startRedis()
    await own.command("CONFIG", "SET", "requirepass", "right")
    await using connection = openRedis(own.config(), parts)
    await expect(connection.ready(200)).rejects.toMatchObject({ code: "REDIS_DENIED", retryable: false })
  })
})

describe.skipIf(!haveRedis)("a connection to a Cluster", () => {
  let cluster: TestCluster
  let redis: RedisConnection
  beforeAll(async () => {
    cluster = await startCluster()
    redis = openRedis(cluster.config(), parts)
    redis.load([ECHO])
    await redis.ready(5_000)
  })
  afterAll(async () => {
    await redis.close()
    await cluster[Symbol.asyncDispose]()
  })

  it("sends every unit to the node of its slot", async () => {
    expect(redis.nodes()).toHaveLength(3)
    const replies = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const call = { script: ECHO, keys: [`{${i}}a`], args: ["x"] }
        const [, reply] = await redis.run({ steps: [["SET", `{${i}}a`, `${i}`], call], write: true })
        return text((reply as Uint8Array[])[2])
      }),
    )
    expect(replies).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
  })

  it("follows a slot that moves to another node", async () => {
    const [from, to] = cluster.masters
    const slot = Number(await from?.command("CLUSTER", "KEYSLOT", "{0}a"))
    const owner = cluster.masters.find((_, i) => slot < ((i + 1) * 16_384) / 3) ?? from
    const target = owner === to ? from : to
    const id = async (node: TestRedis | undefined) => String(await node?.command("CLUSTER", "MYID"))
    await target?.command("CLUSTER", "SETSLOT", slot, "IMPORTING", await id(owner))
    await owner?.command("CLUSTER", "SETSLOT", slot, "MIGRATING", await id(target))
    const call = (n: number) => ({ script: ECHO, keys: [`{0}a`], args: [n] })
    const value = async (n: number) => {
      const [, reply] = await redis.run({ steps: [["SET", "{0}a", n], call(n)], write: true })
      return text((reply as Uint8Array[])[2])
    }
    expect(await value(1)).toBe("1")
    await owner?.command("MIGRATE", "127.0.0.1", target?.port ?? 0, "{0}a", 0, 1000)
    expect(await value(2)).toBe("2")
    for (const node of [target, owner]) await node?.command("CLUSTER", "SETSLOT", slot, "NODE", await id(target))
    expect(await value(3)).toBe("3")
    expect(await value(4)).toBe("4")
  })

  it("passes messages between all nodes", async () => {
    const received: string[] = []
    await using subscriber = redis.subscriber({
      message: (channel, message) => received.push(`${channel} ${text(message)}`),
      up: () => undefined,
      down: () => undefined,
    })
    const channels = ["a", "b", "c", "d", "e", "f"]
    await Promise.all(channels.map((channel) => subscriber.subscribe(channel)))
    await Promise.all(channels.map((channel) => redis.publish(channel, Buffer.from("x"))))
    await until(async () => received.length === channels.length)
    expect(received.sort()).toEqual(channels.map((channel) => `${channel} x`))
  })

  it("is down while one of its nodes is, and comes back when that does", async () => {
    const [, second] = cluster.masters
    await second?.kill()
    await until(async () => !redis.isUp)
    expect(await code(Promise.all(Array.from({ length: 30 }, (_, i) => redis.command(["GET", `${i}`]))))).toBe(
      "REDIS_UNAVAILABLE",
    )
    await second?.start()
    await cluster.settled()
    await redis.ready(10_000)
    await until(async () => (await code(redis.command(["GET", "x"]))) === "no error")
  })
})

it.skipIf(!haveRedis)("a connection through Sentinels goes to the new primary", async () => {
  await using sentinel = await startSentinel()
  await using redis = openRedis(sentinel.config(), parts)
  await redis.ready(5_000)
  await redis.command(["SET", "a", "1"])
  await redis.command(["WAIT", 1, 1000])
  await sentinel.primary.kill()
  await until(async () => (await code(redis.command(["SET", "b", "2"]))) === "no error")
  expect(text(await redis.command(["GET", "a"]))).toBe("1")
})

it.skipIf(!haveRedis)("a primary that hangs is left when the Sentinels name another", async () => {
  await using sentinel = await startSentinel()
  // Silence alone would not end the connections for a minute.
  await using redis = openRedis(sentinel.config({ commandTimeout: 60_000 }), parts)
  await redis.ready(5_000)
  const received: string[] = []
  await using subscriber = redis.subscriber({
    message: (_channel, message) => received.push(text(message)),
    up: () => received.push("up"),
    down: () => received.push("down"),
  })
  await subscriber.subscribe("channel")
  const library = redis.client()
  library.on("error", () => undefined)
  expect(await library.ping()).toBe("PONG")
  await redis.command(["SET", "a", "1"])
  await redis.command(["WAIT", 1, 1000])
  sentinel.primary.pause()
  const underWay = code(redis.command(["GET", "a"]))
  expect(await underWay).toBe("REDIS_UNAVAILABLE")
  await redis.ready(10_000)
  expect(await library.get("a")).toBe("1")
  await until(async () => received.length === 3)
  await redis.publish("channel", Buffer.from("heard"))
  await until(async () => received.length === 4)
  expect(received).toEqual(["up", "down", "up", "heard"])
  library.disconnect()
})

it.skipIf(!haveRedis)("Sentinels may have a password of their own", async () => {
  await using sentinel = await startSentinel()
  await sentinel.sentinel.command("ACL", "SETUSER", "default", "resetpass", ">right")
  for (const sentinelPassword of [undefined, new Secret("wrong")]) {
    await using refused = openRedis(sentinel.config({ sentinelPassword }), parts)
    await expect(refused.ready(300)).rejects.toMatchObject({ code: "REDIS_DENIED" })
  }
  await using redis = openRedis(sentinel.config({ sentinelPassword: new Secret("right") }), parts)
  await redis.ready(5_000)
  expect(text(await redis.command(["SET", "a", "1"]))).toBe("OK")
})
