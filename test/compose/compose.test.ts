// The compose file is read, held against the settings of the services, and started as plain processes.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { linksSettings } from "@sluice/links/config"
import { notificationsSettings } from "@sluice/notifications/config"
import { NtfClient } from "@sluice/ntf-client/client"
import { nullToken } from "@sluice/ntf-protocol/device-token"
import { resolveConfig } from "@sluice/ops/config"
import type { Entries } from "@sluice/ops/settings"
import { proxyServerSettings } from "@sluice/proxy/config"
import { relaySettings } from "@sluice/relay/config"
import { SmpClient } from "@sluice/smp-client/client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { sluice, start } from "../../packages/cli/test/sluice.ts"
import { freePort, startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { Balancer } from "./balancer.ts"
import { type ComposeService, ROOT, readComposeFile } from "./compose-file.ts"

const { services, volumes, variables } = readComposeFile("cluster")
const named = (name: string): ComposeService => {
  const found = services.find((service) => service.name === name)
  if (found === undefined) throw new Error(`there is no service ${name}`)
  return found
}
const relays = services.filter(({ command }) => command[0] === "relay")
const proxies = services.filter(({ command }) => command[0] === "proxy")
const notifications = services.filter(({ command }) => command[0] === "notifications")
const links = named("links")

/** What the services listen on, by their settings or their own defaults. */
const LISTENING: Readonly<Record<string, readonly number[]>> = {
  balancer: [5223, 5226],
  redis: [6379],
  "redis-exporter": [9121],
  prometheus: [9090],
  grafana: [3000],
}

/** Programs of their own make their certificates by commands of their own. */
const isOfNotifications = ({ name }: ComposeService): boolean => name.startsWith("notifications")

function settingsOf({ environment }: ComposeService, program: "relay" | "proxy") {
  const entries = program === "relay" ? relaySettings : proxyServerSettings
  return resolveConfig(entries, { env: environment, otherEnv: ["SLUICE_DATA"] })
}

function listening(service: ComposeService): readonly number[] {
  if (relays.includes(service)) {
    const { config } = resolveConfig(relaySettings, { env: service.environment, otherEnv: ["SLUICE_DATA"] })
    return [config.relay.port, config.admin.port]
  }
  if (proxies.includes(service)) {
    const { config } = resolveConfig(proxyServerSettings, { env: service.environment, otherEnv: ["SLUICE_DATA"] })
    return [config.proxyServer.port, config.admin.port]
  }
  const sources = { env: service.environment, otherEnv: ["SLUICE_DATA"] }
  if (notifications.includes(service)) {
    const { config } = resolveConfig(notificationsSettings, sources)
    return [config.notifications.port, config.admin.port]
  }
  if (service === links) {
    const { config } = resolveConfig(linksSettings, sources)
    return [config.links.port, config.admin.port]
  }
  return LISTENING[service.name] ?? []
}

/** `host:port` in a file of another program, which must be what a service of the compose file listens on. */
function expectReachable(place: string): void {
  const [host = "", port] = place.split(":")
  expect([place, listening(named(host))]).toEqual([place, expect.arrayContaining([Number(port)])])
}

describe("docker-compose.yml", () => {
  it("has what a cluster is made of", () => {
    expect(relays.map(({ name }) => name)).toEqual(["relay-1", "relay-2"])
    expect(notifications.map(({ name }) => name)).toEqual(["notifications-1", "notifications-2"])
    for (const name of ["balancer", "redis", "proxy", "prometheus", "grafana"]) expect(named(name).name).toBe(name)
    expect(named("redis").command.join(" ")).toContain("--appendonly yes")
  })

  it("sets only what the services know, to values that they take", () => {
    expect(relays.length + proxies.length).toBe(3)
    for (const relay of relays) {
      const { config, given } = resolveConfig(relaySettings, { env: relay.environment, otherEnv: ["SLUICE_DATA"] })
      expect([config.store.kind, config.redis.durability]).toEqual(["redis", "fsync"])
      for (const { host, port } of config.redis.nodes) expectReachable(`${host}:${port}`)
      expect(given.size).toBe(Object.keys(relay.environment).length - 1)
    }
    for (const { environment } of notifications) {
      const { config, given } = resolveConfig(notificationsSettings, { env: environment, otherEnv: ["SLUICE_DATA"] })
      expect([config.notifications.store, config.redis.durability]).toEqual(["redis", "fsync"])
      for (const { host, port } of config.redis.nodes) expectReachable(`${host}:${port}`)
      expect(given.size).toBe(Object.keys(environment).length - 1)
    }
    for (const proxy of proxies) expect(settingsOf(proxy, "proxy").given.size).toBeGreaterThan(0)
    // Both are one: what they are started with is the same.
    for (const [one, two] of [relays, notifications]) expect(one?.environment).toEqual(two?.environment)
    for (const service of services.filter(({ name }) => name.endsWith("-identity"))) {
      const sources = { env: service.environment, otherEnv: ["SLUICE_DATA"] }
      const entries = isOfNotifications(service) ? notificationsSettings : relaySettings
      expect(() => resolveConfig<Entries>(entries, sources)).not.toThrow()
    }
  })

  it("publishes and exposes ports that something listens on, none of them twice", () => {
    for (const service of services) {
      for (const port of service.ports)
        expect([service.name, listening(service)]).toEqual([service.name, expect.arrayContaining([port])])
    }
    const hosts = services.flatMap(({ published }) => published.map(({ host }) => host))
    expect(hosts.length).toBeGreaterThan(3)
    expect(new Set(hosts).size).toBe(hosts.length)
    // The ports for operators have no TLS: they are not published.
    const published = services.flatMap(({ published: ports }) => ports.map(({ container }) => container))
    for (const port of [9_223, 9_224, 9_225, 9_226, 9_121]) expect(published).not.toContain(port)
  })

  it("mounts volumes and files that exist, and depends on services that do", () => {
    for (const { mounts, dependsOn } of services) {
      for (const { source } of mounts) {
        if (source.startsWith("./")) expect([source, existsSync(join(ROOT, source))]).toEqual([source, true])
        else expect(volumes).toContain(source)
      }
      for (const name of dependsOn) expect(named(name).name).toBe(name)
    }
    expect(existsSync(join(ROOT, "deploy", "Dockerfile"))).toBe(true)
    const example = readFileSync(join(ROOT, ".env.example"), "utf8")
    for (const variable of variables) {
      expect(readFileSync(join(ROOT, "docker-compose.yml"), "utf8")).toMatch(new RegExp(`^#.*\\b${variable}\\b`, "m"))
      // The example has it, with words above it.
      expect(example).toMatch(new RegExp(`^(?:#.*\n|[A-Z_]+=.*\n)*#.*\n(?:[A-Z_]+=.*\n)*${variable}=`, "m"))
    }
    const explained = Array.from(example.matchAll(/^([A-Z_]+)=/gm), ([, name = ""]) => name)
    expect(explained.toSorted()).toEqual(variables.toSorted())
  })

  it("has a balancer and a Prometheus that reach the services", () => {
    const haproxy = readFileSync(join(ROOT, "deploy", "haproxy.cfg"), "utf8")
    const places = [...haproxy.matchAll(/^ *server \S+ (\S+:\d+)/gm)].map(([, place = ""]) => place)
    expect(places).toHaveLength(relays.length + notifications.length)
    for (const place of places) expectReachable(place)
    for (const [name, behind] of [["relays", relays] as const, ["notifications", notifications] as const]) {
      const backend = haproxy.split(/^backend /m).find((text) => text.startsWith(name)) ?? ""
      const [, check] = /check port (\d+)/.exec(backend) ?? []
      for (const service of behind) expectReachable(`${service.name}:${check}`)
    }
    const bound = [...haproxy.matchAll(/^ *bind :(\d+)$/gm)].map(([, port]) => Number(port))
    expect(bound).toEqual(LISTENING["balancer"])

    const prometheus = parse(readFileSync(join(ROOT, "deploy", "prometheus-cluster.yml"), "utf8"))
    const targets = prometheus.scrape_configs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
      job.static_configs.flatMap((group) => group.targets),
    )
    // Links, and the exporter of Redis.
    expect(targets).toHaveLength(relays.length + proxies.length + notifications.length + 2)
    for (const target of targets) expectReachable(target)
    const grafana = parse(readFileSync(join(ROOT, "deploy", "grafana", "datasources.yml"), "utf8"))
    for (const { url } of grafana.datasources) expectReachable(new URL(url).host)
  })
})

describe("the profile of a single machine", () => {
  const single = readComposeFile("single")
  const only = (program: string): ComposeService => {
    const [found, ...others] = single.services.filter(({ command }) => command[0] === program)
    if (found === undefined || others.length > 0) throw new Error(`not one service runs ${program}`)
    return found
  }
  const relay = only("relay")
  const ntf = only("notifications")

  it("has one relay and one server for push notifications on embedded stores, on the ports of a cluster's balancer", () => {
    const sources = ({ environment: env }: ComposeService) => ({ env, otherEnv: ["SLUICE_DATA"] })
    expect(resolveConfig(relaySettings, sources(relay)).config.store.kind).toBe("lmdb")
    expect(resolveConfig(notificationsSettings, sources(ntf)).config.notifications.store).toBe("lmdb")
    expect([...relay.published, ...ntf.published]).toEqual(named("balancer").published)
    // The certificates, and so the addresses, are the same in both.
    expect(relay.mounts).toEqual(relays[0]?.mounts)
    expect(ntf.mounts).toEqual(notifications[0]?.mounts)
  })

  it("has everything else that a cluster has, but for what only a cluster needs", () => {
    const names = (of: readonly ComposeService[]): string[] => of.map(({ name }) => name).toSorted()
    const ofCluster = ["balancer", "redis", "redis-exporter", ...[...relays, ...notifications].map(({ name }) => name)]
    const others = services.filter(({ name }) => !ofCluster.includes(name))
    expect(names(single.services)).toEqual(names([...others, relay, ntf]))
    for (const { mounts, dependsOn } of single.services) {
      for (const name of dependsOn) expect(names(single.services)).toContain(name)
      for (const { source } of mounts.filter((mount) => mount.source.startsWith("./"))) {
        expect([source, existsSync(join(ROOT, source))]).toEqual([source, true])
      }
    }
  })

  it("has a Prometheus that looks at all of it", () => {
    const prometheus = parse(readFileSync(join(ROOT, "deploy", "prometheus-single.yml"), "utf8"))
    const targets: string[] = prometheus.scrape_configs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
      job.static_configs.flatMap((group) => group.targets),
    )
    expect(targets.toSorted()).toEqual(["links:9225", "notifications:9226", "proxy:9224", "relay:9223"])
  })
})

describe.skipIf(spawnSync("redis-server", ["--version"]).status !== 0)("the same topology as plain processes", () => {
  let folder: string
  let redis: TestRedis
  const running: ReturnType<typeof start>[] = []
  const balancer = new Balancer()
  const ntfBalancer = new Balancer()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-compose-"))
    redis = await startRedis({ appendonly: true })
    await balancer.listen()
    await ntfBalancer.listen()
  })
  afterAll(async () => {
    for (const { child } of running) child.kill("SIGTERM")
    await Promise.all(running.map(({ ended }) => ended))
    await balancer.close()
    await ntfBalancer.close()
    await redis[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** The environment of a service, with this machine's places for those of the containers. */
  async function environmentOf(service: ComposeService): Promise<Record<string, string>> {
    const { environment, mounts } = service
    const volume = mounts.find(({ target }) => target === environment["SLUICE_DATA"])?.source ?? service.name
    const places: Record<string, string> = { SLUICE_DATA: join(folder, volume) }
    const programs = ["RELAY", "ADMIN", "PROXY_SERVER", "NOTIFICATIONS", "LINKS"]
    for (const name of programs.map((program) => `SLUICE_${program}_PORT`)) {
      if (name in environment) places[name] = String(await freePort())
    }
    if ("SLUICE_REDIS_NODES" in environment) places["SLUICE_REDIS_NODES"] = `127.0.0.1:${redis.port}`
    return { ...environment, ...places }
  }

  it("serves one address through the balancer, and figures of every process", { timeout: 60_000 }, async () => {
    for (const identity of services.filter(({ name }) => name.endsWith("-identity"))) {
      const command = isOfNotifications(identity) ? ["notifications", "init"] : ["init"]
      const made = await sluice(command, { env: await environmentOf(identity) })
      expect([identity.name, made.code]).toEqual([identity.name, 0])
    }
    const admins: string[] = []
    for (const service of [...relays, ...proxies, ...notifications, links]) {
      const env = await environmentOf(service)
      const process = start(service.command, { env })
      running.push(process)
      await process.said(/"message":"started"/)
      admins.push(`http://127.0.0.1:${env["SLUICE_ADMIN_PORT"]}`)
      if (relays.includes(service)) balancer.add(Number(env["SLUICE_RELAY_PORT"]))
      if (notifications.includes(service)) ntfBalancer.add(Number(env["SLUICE_NOTIFICATIONS_PORT"]))
    }
    for (const admin of admins) {
      expect((await fetch(`${admin}/readyz`)).status).toBe(200)
      expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(/^sluice_info\{/m)
    }

    const relayEnv = await environmentOf(relays[0] ?? named("relay-1"))
    const printed = (await sluice(["address"], { env: relayEnv })).stdout.trim()
    const address = { ...parseServerAddress(printed), hosts: ["127.0.0.1"], port: String(balancer.port) }
    await using recipient = new SmpClient(address)
    await using sender = new SmpClient(address)
    const received = new Promise((resolve) => recipient.events.on("message", resolve))
    const queue = await recipient.createQueue()
    await sender.sendMessage({ senderId: queue.senderId }, new TextEncoder().encode("through another node"))
    await received
    // They were dealt out: each relay has one of the two connections.
    expect(balancer.dealt).toEqual([1, 1])

    // What a device does at one server for push notifications, the other knows.
    const ntfEnv = await environmentOf(notifications[0] ?? named("notifications-1"))
    const { stdout } = await sluice(["notifications", "address"], { env: ntfEnv })
    const ntf = parseServerAddress(stdout.trim(), { scheme: "ntf" })
    const there = { ...ntf, hosts: ["127.0.0.1"], port: String(ntfBalancer.port) }
    await using first = new NtfClient(there)
    await using second = new NtfClient(there)
    const keys = first.registrationKeys()
    const { tokenId } = await first.registerToken(nullToken(), keys)
    const { type } = await second.checkToken({ tokenId, key: keys.authKeys.privateKey })
    expect(["REGISTERED", "CONFIRMED"]).toContain(type)
    expect(ntfBalancer.dealt).toEqual([1, 1])
  })
})
