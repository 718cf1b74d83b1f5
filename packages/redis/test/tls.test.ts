import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openRedis } from "../src/connection.ts"
import { RedisError } from "../src/redis-error.ts"
import { refusalOf } from "../src/refusal.ts"
import { defaultRedis, type RedisConfig } from "../src/settings.ts"
import { redisHasTls } from "./redis-program.ts"
import { tlsArgs, writeTlsFiles } from "./redis-tls.ts"
import { until } from "./start-cluster.ts"
import { freePort, startRedis, type TestRedis } from "./start-redis.ts"

const parts = { log: silentLog, clock: systemClock }
/** What a relay needs, and no more than its prefix. */
const USER = ["relay", "reset", "on", ">right", "~sluice:*", "&sluice:*", "+@all", "-@admin"] as const
/** How long a connection that must fail is tried, ms. */
const PATIENCE = 800

/** Servers that speak TLS with certificates for `localhost`, and never for an address. */
describe.skipIf(!redisHasTls())("TLS to a real Redis", () => {
  let folder: string
  const ports = { server: 0, node: 0, sentinel: 0 }
  let servers: TestRedis[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-redis-tls-"))
    await writeTlsFiles(folder)
    await writeFile(join(folder, "nonsense.pem"), "nonsense")
    for (const name of ["server", "node", "sentinel"] as const) ports[name] = await freePort()
    const server = await startRedis({ args: tlsArgs(folder, ports.server) })
    const ofCluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-announce-ip", "127.0.0.1"]
    const node = await startRedis({ args: [...tlsArgs(folder, ports.node), ...ofCluster] })
    await node.command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    await until(async () => String(await node.command("CLUSTER", "INFO")).includes("cluster_state:ok"))
    for (const one of [server, node]) await one.command("ACL", "SETUSER", ...USER)
    const sentinelFile = join(folder, "sentinel.conf")
    await writeFile(sentinelFile, `sentinel monitor mymaster 127.0.0.1 ${server.port} 1\n`)
    servers = [server, node, await startRedis({ args: tlsArgs(folder, ports.sentinel), sentinelFile, folder })]
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
    await rm(folder, { recursive: true, force: true })
  })

  function config(changes: Partial<RedisConfig>): RedisConfig {
    const credentials = { username: "relay", password: new Secret("right") }
    const tls = { tls: true, tlsCa: "ca.pem" }
    return { ...defaultRedis, durability: "memory", ...tls, ...credentials, ...changes }
  }
  const at = (host: string, port: number) => ({ nodes: [{ host, port }] })
  /** A way from where a server says that it is to where its certificate is right. */
  const detour = (announced: number, reachable: number) => ({
    natMap: [{ announced: { host: "127.0.0.1", port: announced }, reachable: { host: "localhost", port: reachable } }],
  })
  /** The three deployments, by the name of the certificate. */
  const deployments = () =>
    ({
      standalone: { kind: "standalone", ...at("localhost", ports.server) },
      cluster: { kind: "cluster", ...at("localhost", ports.node), ...detour(ports.node, ports.node) },
      sentinel: {
        kind: "sentinel",
        ...at("localhost", ports.sentinel),
        ...detour(servers[0]?.port ?? 0, ports.server),
      },
    }) as const

  /** The line with which a program does not start. */
  async function refusal(changes: Partial<RedisConfig>): Promise<string> {
    await using redis = openRedis(config(changes), { ...parts, folder })
    const error = await redis.ready(PATIENCE).catch((reason: unknown) => reason)
    if (!(error instanceof RedisError)) return "connected"
    return refusalOf(error).message
  }

  it.each(["standalone", "cluster", "sentinel"] as const)(
    "%s: commands, channels and libraries use it",
    async (kind) => {
      await using redis = openRedis(config(deployments()[kind]), { ...parts, folder })
      await redis.ready(5_000)
      const received = Promise.withResolvers<string>()
      await using subscriber = redis.subscriber({
        message: (_channel, message) => received.resolve(Buffer.from(message).toString()),
        up: () => undefined,
        down: () => undefined,
      })
      await subscriber.subscribe("sluice:channel")
      await redis.run({ steps: [["SET", "sluice:key", "1"]], write: true })
      await redis.publish("sluice:channel", Buffer.from("heard"))
      expect(await received.promise).toBe("heard")
      const library = redis.client()
      library.on("error", () => undefined)
      expect(await library.get("sluice:key")).toBe("1")
      library.disconnect()
    },
  )

  it.each(["standalone", "cluster", "sentinel"] as const)(
    "%s: refuses whom it can not trust, in a line",
    async (kind) => {
      const right = deployments()[kind]
      const [foreign, unknown, elsewhere, password] = await Promise.all([
        refusal({ ...right, tlsCa: "foreign.pem" }),
        refusal({ ...right, tlsCa: undefined }),
        // Its own address, or the one that is announced.
        refusal({ ...right, natMap: [], nodes: right.nodes.map(({ port }) => ({ host: "127.0.0.1", port })) }),
        refusal({ ...right, password: new Secret("wrong") }),
      ])
      expect(foreign).toMatch(/^redis\.tls_ca: .* signed by .*; allowed: /)
      expect(unknown).toBe(foreign)
      expect(elsewhere).toMatch(/^redis\.nodes: .* another name; allowed: /)
      expect(password).toMatch(/^redis\.password: /)
    },
  )

  it("needs both ends to speak it", async () => {
    const plain = servers[0]?.port ?? 0
    const lines = await Promise.all([
      refusal(at("localhost", plain)),
      refusal({ ...at("localhost", ports.server), tls: false }),
    ])
    for (const line of lines) expect(line).toMatch(/^redis\.nodes: .* with redis\.tls /)
  })

  it.each(["nonsense.pem", "absent.pem"])("refuses %s as certificates to trust", (tlsCa) => {
    expect(() => openRedis(config({ tlsCa }), { ...parts, folder })).toThrow(/^redis\.tls_ca: .*; allowed: /)
  })
})
