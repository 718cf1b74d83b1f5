// Every fault is injected into a relay that is well, and `sluice doctor` has to find just that.
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmod, cp, rename, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { identityFiles, rotateLeaf } from "@sluice/transport/certificates"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freePort, startRedis } from "../../redis/test/start-redis.ts"
import { examine } from "../src/doctor/examine.ts"
import type { Finding } from "../src/doctor/finding.ts"
import { type Machine, thisMachine } from "../src/doctor/machine.ts"
import type { ServiceName } from "../src/doctor/subject.ts"
import { placeOf } from "../src/place.ts"
import { sluice, temporaryFolder } from "./sluice.ts"

const DAY = 86_400_000
const GIB = 2 ** 30
const haveRedis = spawnSync("redis-server", ["--version"]).status === 0

let made: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  made = await temporaryFolder()
  for (const name of ["relay", "other"]) {
    expect((await sluice(["--data", join(made.path, name), "init"], { env: {} })).code).toBe(0)
  }
})
afterAll(() => made[Symbol.asyncDispose]())

/** A relay that is well, and what a test changes. */
interface Case {
  readonly folder: string
  readonly identity: ReturnType<typeof identityFiles>
  readonly env: Record<string, string>
  readonly machine: { -readonly [K in keyof Machine]: Machine[K] }
}

/** What the doctor says that is not fine, after a change to a relay that is well. */
async function foundAfter(
  change: (relay: Case) => unknown,
  service: ServiceName = "relay",
): Promise<readonly Finding[]> {
  await using temporary = await temporaryFolder()
  const folder = join(temporary.path, "relay")
  await cp(join(made.path, "relay"), folder, { recursive: true })
  await chmod(folder, 0o700)
  const identity = identityFiles(join(folder, "identity"))
  const relay: Case = {
    folder,
    identity,
    env: {
      SLUICE_RELAY_HOST: "smp.example.org",
      SLUICE_RELAY_PORT: String(await freePort()),
      SLUICE_ADMIN_PORT: String(await freePort()),
    },
    machine: {
      ...thisMachine(),
      maxFiles: async () => 1_000_000,
      memory: () => 64 * GIB,
      disk: async () => ({ free: 50 * GIB, total: 100 * GIB }),
      addressesOf: async () => ["192.0.2.7", "2001:db8::7"],
      has: () => true,
    },
  }
  await change(relay)
  // It belongs on another machine; tests of certificates need it until here.
  await rm(identity.caKey, { force: true })
  const findings = await examine(service, placeOf({ data: folder }, relay.env), relay.machine)
  expect(findings.length).toBeGreaterThan(0)
  for (const { severity, advice } of findings) expect(advice !== undefined).toBe(severity !== "ok")
  return findings.filter(({ severity }) => severity !== "ok")
}

describe("sluice doctor", () => {
  it("finds nothing with a relay that is well", async () => {
    expect(await foundAfter(() => undefined)).toEqual([])
  })

  const FAULTS: readonly (readonly [code: string, change: (relay: Case) => unknown])[] = [
    ["settings", ({ env }) => Object.assign(env, { SLUICE_RELAY_PORT: "smp" })],
    [
      "settings.open",
      async ({ folder }) => {
        await writeFile(join(folder, "sluice.toml"), '[relay]\npassword = "abc"\n')
        await chmod(join(folder, "sluice.toml"), 0o644)
      },
    ],
    ["data.missing", ({ folder }) => rm(folder, { recursive: true })],
    ["data.open", ({ folder }) => chmod(folder, 0o755)],
    ["data.owner", ({ machine }) => Object.assign(machine, { user: 54_321 })],
    ["data.read-only", ({ machine }) => Object.assign(machine, { canWrite: async () => false })],
    ["identity.missing", ({ identity }) => rm(identity.leafKey)],
    ["identity.open", ({ identity }) => chmod(identity.leafKey, 0o644)],
    ["identity.garbled", ({ identity }) => writeFile(identity.leafCertificate, "nothing")],
    [
      "identity.mismatch",
      ({ identity }) => rename(join(made.path, "other", "identity", "server.key"), identity.leafKey),
    ],
    ["identity.expires", ({ identity }) => certifyFor(10, identity)],
    [
      "identity.invalid",
      async ({ identity, machine }) => {
        await certifyFor(10, identity)
        machine.now = () => Date.now() + 11 * DAY
      },
    ],
    [
      "clock",
      ({ machine }) =>
        Object.assign(machine, {
          file: async (path: string) => {
            const facts = await thisMachine().file(path)
            return facts && { ...facts, changedAt: Date.now() + DAY }
          },
        }),
    ],
    ["ports.forbidden", ({ machine }) => Object.assign(machine, { tryListening: refusing("EACCES") })],
    [
      "bind.foreign",
      ({ env, machine }) => {
        Object.assign(env, { SLUICE_RELAY_BIND: "192.0.2.77" })
        machine.addressesOf = async () => ["192.0.2.77"]
      },
    ],
    ["bind.family", ({ machine }) => Object.assign(machine, { tryListening: refusing("EAFNOSUPPORT") })],
    ["host.local", ({ env }) => Object.assign(env, { SLUICE_RELAY_HOST: "localhost" })],
    ["host.unknown", ({ machine }) => Object.assign(machine, { addressesOf: async () => [] })],
    ["host.family", ({ machine }) => Object.assign(machine, { has: (family: string) => family === "IPv4" })],
    ["admin.public", ({ env }) => Object.assign(env, { SLUICE_ADMIN_BIND: "*" })],
    ["redis.unreachable", async ({ env }) => onRedis(env, await freePort())],
    ["limits.files", ({ machine }) => Object.assign(machine, { maxFiles: async () => 1024 })],
    ["memory", ({ machine }) => Object.assign(machine, { memory: () => GIB })],
    ["disk", ({ machine }) => Object.assign(machine, { disk: async () => ({ free: GIB / 2, total: 100 * GIB }) })],
    ["node", ({ machine }) => Object.assign(machine, { nodeVersion: "v22.1.0" })],
  ]

  it.each(FAULTS)("finds %s", async (code, change) => {
    const found = await foundAfter(change)
    expect([...new Set(found.map((finding) => finding.code))]).toEqual([code])
  })

  it("finds a port that another program has, and not that of the relay itself", async () => {
    const other = createServer().listen(0)
    await once(other, "listening")
    const address = other.address()
    const port = String(typeof address === "object" ? address?.port : 0)
    const taken = await foundAfter(({ env }) => Object.assign(env, { SLUICE_RELAY_PORT: port }))
    expect(taken.map(({ code }) => code)).toEqual(["ports.taken"])
    const running = await foundAfter(({ env, machine }) => {
      Object.assign(env, { SLUICE_RELAY_PORT: port })
      machine.status = async (url) => (url.endsWith("/healthz") ? 200 : undefined)
    })
    expect(running).toEqual([])
    other.close()
  })

  it.each([
    [
      "proxy",
      { SLUICE_PROXY_SERVER_PORT: "0", SLUICE_PROXY_SERVER_HOST: "proxy.example.org" },
      "SLUICE_PROXY_SERVER_PORT",
    ],
    [
      "notifications",
      {
        SLUICE_NOTIFICATIONS_PORT: "0",
        SLUICE_NOTIFICATIONS_HOST: "ntf.example.org",
        SLUICE_NOTIFICATIONS_IDENTITY: "identity",
      },
      "SLUICE_NOTIFICATIONS_BIND",
    ],
    [
      "links",
      { SLUICE_LINKS_PORT: "0", SLUICE_LINKS_HOSTS: "smp.example.org", SLUICE_LINKS_BIND: "*" },
      "SLUICE_LINKS_CACHE_TIME",
    ],
  ] as const)("looks at %s by its own settings", async (service, own, variable) => {
    expect(await foundAfter(({ env }) => Object.assign(env, own), service)).toEqual([])
    const wrong = await foundAfter(({ env }) => Object.assign(env, own, { [variable]: "nowhere at all" }), service)
    expect(wrong.map(({ code }) => code)).toEqual(["settings"])
    const few = await foundAfter(({ env, machine }) => {
      Object.assign(env, own)
      machine.maxFiles = async () => 256
    }, service)
    expect(few.map(({ code }) => code)).toEqual(["limits.files"])
  })

  describe.skipIf(!haveRedis)("with a Redis", () => {
    it("finds one that keeps nothing, may drop keys, or has another time", async () => {
      const args = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]
      await using redis = await startRedis({ args })
      const codes = async (change: (relay: Case) => unknown): Promise<string[]> =>
        (await foundAfter(change)).map(({ code }) => code).toSorted()
      expect(await codes(({ env }) => onRedis(env, redis.port))).toEqual(["redis.append-only-off", "redis.eviction"])
      await redis.command(
        "CONFIG",
        "SET",
        "appendonly",
        "yes",
        "appendfsync",
        "everysec",
        "maxmemory-policy",
        "noeviction",
      )
      const fsync = await codes(({ env }) => onRedis(env, redis.port))
      expect([[], ["redis.append-fsync"]]).toContainEqual(fsync)
      await redis.command("CONFIG", "SET", "appendfsync", "always")
      expect(await codes(({ env }) => onRedis(env, redis.port))).toEqual([])
      const late = await codes(({ env, machine }) => {
        onRedis(env, redis.port)
        machine.now = () => Date.now() + DAY
      })
      expect(late).toEqual(["redis.clock"])
    })
  })

  it("prints what to do, or JSON, and ends with 1 for problems", async () => {
    const env = { SLUICE_RELAY_PORT: String(await freePort()), SLUICE_ADMIN_PORT: String(await freePort()) }
    const data = join(made.path, "relay")
    const shown = await sluice(["--data", data, "doctor"], { env })
    expect(shown.stdout).toContain("ca.key is on this machine (identity.ca-key)\n         move it to another machine")
    expect(shown.stdout).toMatch(/problems: \d+, warnings: \d+\n$/)
    const broken = await sluice(["--data", data, "doctor", "--json"], { env: { ...env, SLUICE_RELAY_PORT: "-1" } })
    expect(broken.code).toBe(1)
    expect(JSON.parse(broken.stdout)).toMatchObject({
      problems: 1,
      findings: [{ code: "settings", severity: "problem" }],
    })
  })
})

/** Replaces the online certificate by one for some days. */
function certifyFor(days: number, identity: Case["identity"]): Promise<unknown> {
  const now = Math.floor(Date.now() / 1000)
  return rotateLeaf(nativeCrypto, identity, { host: "smp.example.org", now, lifetime: (days * DAY) / 1000 })
}

function onRedis(env: Record<string, string>, port: number): void {
  Object.assign(env, {
    SLUICE_STORE_KIND: "redis",
    SLUICE_REDIS_NODES: `127.0.0.1:${port}`,
    SLUICE_REDIS_CONNECT_TIMEOUT: "500ms",
  })
}

function refusing(code: string): Machine["tryListening"] {
  return async () => code
}
