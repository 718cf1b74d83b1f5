import { PassThrough } from "node:stream"
import { setImmediate } from "node:timers/promises"
import type { Command, Redis } from "ioredis"
import { describe, expect, it } from "vitest"
import { Confirmations } from "./confirmations.ts"
import type { Durability } from "./settings.ts"
import { TurnWrites } from "./turn-writes.ts"

/** A server that answers what it is told to, and keeps what it was asked. */
function fakeServer(answer: unknown): { readonly redis: Redis; readonly asked: string[] } {
  const asked: string[] = []
  const sendCommand = async (command: Command): Promise<unknown> => {
    asked.push([command.name, ...command.args].join(" "))
    if (answer instanceof Error) throw answer
    return answer
  }
  return { redis: { stream: new PassThrough(), sendCommand } as unknown as Redis, asked }
}

function confirmations(durability: Durability, version: number): Confirmations {
  const config = { durability, replicas: 2, durabilityTimeout: 70 }
  return new Confirmations(config, new TurnWrites(), { versionOf: () => version })
}

describe("confirmations", () => {
  it("are asked for once for all changes of a turn, and again in the next", async () => {
    const { redis, asked } = fakeServer(2)
    const replicated = confirmations("replicated", 700)
    await Promise.all([replicated.confirm(redis), replicated.confirm(redis)])
    await setImmediate()
    await replicated.confirm(redis)
    expect(asked).toEqual(["WAIT 2 70", "WAIT 2 70"])
  })

  it("are missing when fewer replicas than asked for answered", async () => {
    const { redis } = fakeServer(1)
    const problem = { code: "REDIS_NOT_DURABLE", confirmed: 1, wanted: 2 }
    await expect(confirmations("replicated", 700).confirm(redis)).rejects.toMatchObject({ problem })
  })

  it("of the disk are asked for where the server can give them", async () => {
    const { redis, asked } = fakeServer([1, 0])
    await confirmations("fsync", 702).confirm(redis)
    expect(asked).toEqual(["WAITAOF 1 0 70"])
    await expect(confirmations("fsync", 800).confirm(fakeServer([0, 0]).redis)).rejects.toMatchObject({
      code: "REDIS_NOT_DURABLE",
    })
    const older = fakeServer(undefined)
    await confirmations("fsync", 700).confirm(older.redis)
    expect(older.asked).toEqual([])
  })

  it("are not there when the connection broke", async () => {
    const { redis } = fakeServer(new Error("Connection is closed."))
    await expect(confirmations("replicated", 700).confirm(redis)).rejects.toMatchObject({ code: "REDIS_UNAVAILABLE" })
  })

  it("are not needed for memory", () => {
    expect(confirmations("memory", 700).needed).toBe(false)
    expect(confirmations("fsync", 700).needed).toBe(true)
  })
})
