import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog } from "@sluice/ops/recording-log"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ToyClient, toyProtocol } from "../test/toy.ts"
import { type BlockService, createBlockService, type ServiceLife } from "./block-service.ts"
import { openIdentity } from "./server-identity.ts"
import { defaultServerSettings } from "./server-settings.ts"
import { componentsOf } from "./service-components.ts"

let dataFolder: string

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "sluice-service-"))
  const now = Math.floor(Date.now() / 1000)
  await createIdentity(nativeCrypto, identityFiles(join(dataFolder, "identity")), { host: "localhost", now })
})
afterAll(() => rm(dataFolder, { recursive: true }))

interface Fixture {
  readonly service: BlockService
  /** What was seen of the service at each station of its life. */
  readonly events: string[]
  readonly clock: ManualClock
  ready(): Promise<number>
  connect(): Promise<ToyClient>
}

async function fixture(life: Partial<ServiceLife> = {}): Promise<Fixture> {
  const clock = new ManualClock(Date.now())
  const parts = { log: recordingLog(), dataFolder, metrics: new Metrics(), clock }
  const components = componentsOf(parts)
  const events: string[] = []
  const note = (event: string): void => {
    events.push(`${event}${service.addresses.length > 0 ? ", listening" : ""}`)
  }
  const service: BlockService = createBlockService(
    {
      identity: await openIdentity("test.identity", "identity", components),
      server: {
        listen: [{ host: "127.0.0.1", port: 0 }],
        protocol: toyProtocol,
        sessions: () => ({ handle: (commands) => commands.map((command) => utf8(command)) }),
        settings: defaultServerSettings,
      },
      admin: { bind: "127.0.0.1", port: 0 },
      life: {
        prepare: async () => note("prepare"),
        begin: async () => note("begin"),
        serving: () => note("serving"),
        finish: async ({ aborted }) => note(aborted ? "finish at once" : "finish"),
        ...life,
      },
    },
    components,
  )
  return {
    service,
    events,
    clock,
    async ready() {
      const { port } = service.adminAddress
      return (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    },
    connect: () => ToyClient.connect(service.addresses[0]?.port ?? 0, service.fingerprint),
  }
}

describe("a service", () => {
  it("passes its stations in order, and finishes what was begun", async () => {
    const { service, events, connect, ready } = await fixture()
    await service.start()
    expect(events).toEqual(["prepare", "begin, listening", "serving, listening"])
    expect(await ready()).toBe(200)
    const client = await connect()
    client.send("one")
    expect(await client.next()).toEqual(["one"])
    await Promise.all([service.stop(), client.closed])
    expect(events.slice(3)).toEqual(["finish"])
    expect(() => service.adminAddress).toThrow()
    await service.stop()
    expect(events).toHaveLength(4)
  })

  it("serves administrators until everything is finished", async () => {
    const finished = Promise.withResolvers<void>()
    const { service, ready } = await fixture({ finish: () => finished.promise })
    await service.start()
    const stopped = service.stop()
    expect(await ready()).toBe(503)
    finished.resolve()
    await stopped
    await expect(ready()).rejects.toThrow()
  })

  it.each(["prepare", "begin"] as const)("undoes a start that fails at %s", async (station) => {
    const failing = (): Promise<void> => Promise.reject(new Error("no luck"))
    const { service, events } = await fixture({ [station]: failing })
    await expect(service.start()).rejects.toThrow("no luck")
    expect(events.at(-1)).toBe("finish at once")
    expect(service.addresses).toEqual([])
    expect(() => service.adminAddress).toThrow()
    expect((await service.readiness.report()).failing).toEqual(["draining"])
  })

  it("drains within its time, and stays for administrators", async () => {
    const { service, events, clock, connect, ready } = await fixture()
    await service.start()
    const client = await connect()
    // It is not read, so the session does not end by itself before the time is over.
    client.stream.pause()
    service.drain(1_000)
    expect(await ready()).toBe(503)
    await clock.advanceAsync(1_000)
    await expect(connect()).rejects.toThrow()
    expect(events).not.toContain("finish")
    await service.stop()
    expect(events.at(-1)).toBe("finish")
  })
})

it("names the setting of certificates that can't be used", async () => {
  const components = componentsOf({ log: recordingLog(), dataFolder, metrics: new Metrics() })
  await expect(openIdentity("test.identity", "nowhere", components)).rejects.toThrow(/^test\.identity: /)
})
