// `sluice up --cluster N`: several relay processes on a Redis, behind one port.
import { spawnSync } from "node:child_process"
import { readFile, stat } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { expect, it } from "vitest"
import { LocalRedis } from "../src/fleet/local-redis.ts"
import { sluice, start, temporaryFolder } from "./sluice.ts"

const HAS_REDIS = spawnSync("redis-server", ["--version"]).status === 0

function settingsIn(folder: string): Readonly<Record<string, string>> {
  return {
    SLUICE_DATA: join(folder, "data"),
    SLUICE_RELAY_BIND: "127.0.0.1",
    SLUICE_RELAY_PORT: "0",
    SLUICE_ADMIN_PORT: "0",
  }
}

it.skipIf(!HAS_REDIS)("starts a Redis of its own, which keeps everything for the next start", async () => {
  await using folder = await temporaryFolder()
  const env = settingsIn(folder.path)
  const state = join(folder.path, "queue.json")
  const first = start(["up", "--cluster", "2"], { env })
  await first.said(/"service":"supervisor","message":"started"/)
  const address = (await sluice(["address"], { env })).stdout.trim()
  expect((await sluice(["ping", address], { env })).code).toBe(0)
  const created = await sluice(["queue", "create", address, "--file", state], { env })
  expect([created.code, created.stderr]).toEqual([0, ""])
  const record = JSON.parse(await readFile(join(env["SLUICE_DATA"] ?? "", "relay.running.json"), "utf8"))
  const metrics = await (await fetch(`http://127.0.0.1:${record.adminPort}/metrics`)).text()
  expect(metrics.match(/^simplex_smp_queues_created\{worker="[01]"\} /gm)).toHaveLength(2)
  const { mode } = await stat(join(env["SLUICE_DATA"] ?? "", "redis", "password"))
  expect(mode & 0o777).toBe(0o600)
  first.child.kill("SIGTERM")
  expect((await first.ended).code).toBe(0)

  const second = start(["up", "--cluster", "2"], { env: { ...env, SLUICE_RELAY_PORT: String(record.port) } })
  await second.said(/"service":"supervisor","message":"started"/)
  const info = await sluice(["queue", "info", state], { env })
  expect([info.code, info.stderr]).toEqual([0, ""])
  second.child.kill("SIGTERM")
  expect((await second.ended).code).toBe(0)
})

it.skipIf(!HAS_REDIS)("asks whoever reaches the Redis that it starts for a password", async () => {
  await using folder = await temporaryFolder()
  const redis = await LocalRedis.start(folder.path)
  try {
    const ask = (commands: string): Promise<string> => {
      const socket = connect(redis.port, "127.0.0.1")
      socket.end(commands)
      return text(socket)
    }
    expect(await ask("KEYS *\r\n")).toMatch(/^-NOAUTH/)
    expect(await ask(`AUTH ${await readFile(redis.passwordFile, "utf8")}\r\nKEYS *\r\n`)).toBe("+OK\r\n*0\r\n")
  } finally {
    await redis.stop()
  }
})

it.skipIf(!HAS_REDIS || process.platform !== "linux")("ends what outlived a supervisor that was killed", async () => {
  await using folder = await temporaryFolder()
  const env = settingsIn(folder.path)
  const pidFile = join(env["SLUICE_DATA"] ?? "", "redis", "redis.pid")
  const killed = start(["up", "--cluster", "1"], { env })
  await killed.said(/"service":"supervisor","message":"started"/)
  const former = Number(await readFile(pidFile, "utf8"))
  killed.child.kill("SIGKILL")
  await killed.said(/"service":"relay-0".*"message":"stopped"/)
  expect(process.kill(former, 0)).toBe(true)

  const next = start(["up", "--cluster", "1"], { env })
  await next.said(/"service":"supervisor","message":"started"/)
  expect(() => process.kill(former, 0)).toThrow("ESRCH")
  next.child.kill("SIGTERM")
  expect((await next.ended).code).toBe(0)
})

it("says in one line what is missing", async () => {
  await using folder = await temporaryFolder()
  const env = settingsIn(folder.path)
  const without = await sluice(["up", "--cluster", "2"], { env: { ...env, PATH: folder.path } })
  expect([without.code, without.stderr.split("\n").at(-2)]).toEqual([
    2,
    "sluice: --cluster needs Redis: the program redis-server could not be started; install it, or set redis.nodes (SLUICE_REDIS_NODES) to a Redis that runs",
  ])
  const embedded = await sluice(["up", "--cluster", "2"], { env: { ...env, SLUICE_STORE_KIND: "lmdb" } })
  expect([embedded.code, embedded.stderr]).toEqual([
    2,
    "sluice: --cluster needs the store in Redis: store.kind is lmdb; allowed: redis\n",
  ])
  const away = await sluice(["up", "--cluster", "2"], {
    env: { ...env, SLUICE_REDIS_NODES: "127.0.0.1:1", SLUICE_REDIS_CONNECT_TIMEOUT: "200ms" },
  })
  expect([away.code, away.stderr.split("\n").at(-2)]).toEqual([2, expect.stringContaining("sluice: redis.nodes: ")])
  const both = await sluice(["up", "--cluster", "2", "--workers", "2"], { env })
  expect([both.code, both.stderr.split("\n").length]).toEqual([2, 2])
})
