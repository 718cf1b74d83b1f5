import { loadConfig } from "@sluice/ops/config"
import { describe, expect, it } from "vitest"
import { defaultRedis, redisSettings } from "./settings.ts"

const load = (overrides: Record<string, unknown>) => loadConfig({ redis: redisSettings }, { overrides }).redis

describe("settings of Redis", () => {
  it("have defaults for one server on this machine", () => {
    expect(load({})).toEqual(defaultRedis)
    expect(defaultRedis).toMatchObject({
      kind: "standalone",
      nodes: [{ host: "127.0.0.1", port: 6379 }],
      durability: "fsync",
    })
  })

  it("take several nodes, by name or address", () => {
    expect(load({ "redis.nodes": "one:7000, [::1]:7001" }).nodes).toEqual([
      { host: "one", port: 7000 },
      { host: "::1", port: 7001 },
    ])
  })

  it("take detours to servers that are announced elsewhere", () => {
    expect(
      load({ "redis.nat_map": "10.0.0.5:6379=redis.example.org:16379, [fd00::1]:7001=[::1]:7002" }).natMap,
    ).toEqual([
      { announced: { host: "10.0.0.5", port: 6379 }, reachable: { host: "redis.example.org", port: 16379 } },
      { announced: { host: "fd00::1", port: 7001 }, reachable: { host: "::1", port: 7002 } },
    ])
  })

  it.each([
    ["redis.nat_map", "10.0.0.5:6379"],
    ["redis.nat_map", "10.0.0.5:6379=localhost"],
    ["redis.nat_map", "a:1=b:2=c:3"],
    ["redis.nat_map", ["a:1=b:2", "a:1=c:3"]],
    ["redis.nat_map", { "a:1": "b:2" }],
    ["redis.nodes", "6379"],
    ["redis.nodes", []],
    ["redis.nodes", "host:0"],
    ["redis.prefix", "with{brace"],
    ["redis.durability", "safe"],
    ["redis.replicas", 0],
  ])("refuse %s = %j", (key, value) => {
    expect(() => load({ [key]: value })).toThrow(new RegExp(`^${key.replace(".", "\\.")} .*allowed`))
  })

  it("hide the password", () => {
    expect(JSON.stringify(load({ "redis.password": "s3cret" }))).not.toContain("s3cret")
  })
})
