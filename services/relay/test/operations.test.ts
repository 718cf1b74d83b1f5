import { readFile, rm, stat } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { loadConfig } from "@sluice/ops/config"
import { OperatorError } from "@sluice/ops/operator-error"
import { silentLog } from "@sluice/ops/recording-log"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { describe, expect, it } from "vitest"
import { createQueue } from "../../../test/support/queue.ts"
import { TestRelay } from "../../../test/support/relay.ts"
import { message } from "../../../test/support/steps.ts"
import { relaySettings } from "../src/config.ts"
import { createRelay } from "../src/relay.ts"

const TOKEN = "a-token-of-twenty-or-more"

/** Asks a running relay as its administrator. */
async function ask(relay: TestRelay, method: string, path: string, body?: object): Promise<[number, unknown]> {
  const response = await fetch(`http://127.0.0.1:${relay.relay.adminAddress.port}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return [response.status, text.startsWith("{") ? JSON.parse(text) : text]
}

const settings = { "admin.token": TOKEN }

describe("administration of a running relay", () => {
  it("is off unless a token is set", async () => {
    await using relay = await TestRelay.start({ store: "memory" })
    expect((await ask(relay, "GET", "/admin/statistics"))[0]).toBe(404)
    expect((await ask(relay, "POST", "/admin/drain"))[0]).toBe(404)
    expect((await ask(relay, "GET", "/readyz"))[0]).toBe(200)
  })

  it.each<[number, BrokerMessage]>([
    [20, { tag: "ERR", error: { type: "BLOCKED", reason: "spam", notice: { ttl: 60 } } }],
    [17, { tag: "ERR", error: { type: "BLOCKED", reason: "spam" } }],
    [11, { tag: "ERR", error: { type: "AUTH" } }],
  ])("tells the subscriber of a queue that it is blocked, in version %i", async (version, told) => {
    await using relay = await TestRelay.start({ store: "memory", settings })
    const recipient = await relay.connect({ versions: version })
    const queue = await createQueue(recipient)
    const body = { queue: encodeBase64Url(queue.ids.senderId), reason: "spam", notice: { ttl: 60 } }
    expect(await ask(relay, "POST", "/admin/queue/block", body)).toEqual([
      200,
      { result: "blocked", previous: "active" },
    ])
    const event = await recipient.event()
    expect([event.entityId, event.message]).toEqual([queue.ids.recipientId, told])
    expect(await recipient.ask(message("x"), queue.asSender)).toEqual(told)
    await ask(relay, "POST", "/admin/queue/unblock", body)
    recipient.send({ command: message("x"), ...queue.asSender })
    expect(
      (await recipient.blocks(2))
        .flat()
        .map(({ message: { tag } }) => tag)
        .sort(),
    ).toEqual(["MSG", "OK"])
    expect(await ask(relay, "GET", "/admin/sessions")).toMatchObject([200, { sessions: { total: 1, messaging: 1 } }])
  })

  it("copies the store below the backup folder", async () => {
    await using relay = await TestRelay.start({ settings })
    const recipient = await relay.connect()
    await createQueue(recipient)
    const [status, body] = await ask(relay, "POST", "/admin/snapshot", { name: "now" })
    const folder = join(relay.folder, "backups", "now")
    expect([status, body]).toMatchObject([200, { folder }])
    await using copy = await openLmdbStore({ folder, sync: false })
    expect((await copy.counts()).queues).toBe(1)
    expect((await ask(relay, "POST", "/admin/snapshot", { name: "now" }))[0]).toBe(409)
    expect((await ask(relay, "POST", "/admin/snapshot", { name: "../store" }))[0]).toBe(400)
  })

  it("takes over certificates, or says why not", async () => {
    await using relay = await TestRelay.start({ store: "memory", settings })
    expect(await ask(relay, "POST", "/admin/certificates/reload")).toEqual([200, { result: "reloaded" }])
    await rm(join(relay.folder, "identity", "server.crt"))
    expect(await ask(relay, "POST", "/admin/certificates/reload")).toEqual([
      422,
      { error: expect.stringMatching(/^identity\.path: /) },
    ])
    const client = await relay.connect()
    await client.quiet()
  })

  it("drains: sessions end, none begin, and administrators are still served", async () => {
    await using relay = await TestRelay.start({ store: "memory", settings })
    const client = await relay.connect()
    const { port } = relay
    expect(await ask(relay, "POST", "/admin/drain")).toEqual([202, { result: "draining", sessions: 1 }])
    await client.closed()
    expect(await ask(relay, "GET", "/readyz")).toEqual([503, { status: "not ready", failing: ["draining"] }])
    await expect(fetch(`https://127.0.0.1:${port}`)).rejects.toThrow()
    expect(await ask(relay, "GET", "/admin/sessions")).toMatchObject([200, { sessions: { total: 0 } }])
    expect((await ask(relay, "GET", "/metrics"))[0]).toBe(200)
  })
})

describe("statistics of the day", () => {
  const daily = { settings: { ...settings, "statistics.daily": true } }
  const today = (body: unknown): unknown => (body as { today: { relay: { qCreated: number } } }).today.relay.qCreated

  it("go on after a restart", async () => {
    await using relay = await TestRelay.start(daily)
    await createQueue(await relay.connect())
    await relay.stop()
    await relay.start()
    await createQueue(await relay.connect())
    const [, body] = await ask(relay, "GET", "/admin/statistics")
    expect(today(body)).toBe(2)
    expect(body).toMatchObject({ sinceStart: { relay: { qCreated: 1 } } })
  })

  it("are not lost to a start that fails", async () => {
    await using relay = await TestRelay.start(daily)
    await createQueue(await relay.connect())
    await relay.stop()
    const file = join(relay.folder, "statistics", "statistics.json")
    const saved = await readFile(file, "utf8")
    const other = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => other.once("listening", resolve))
    const { port } = other.address() as AddressInfo
    await expect(relay.start({ "relay.port": port })).rejects.toThrow(OperatorError)
    other.close()
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(JSON.parse(saved))
  })

  it("are not written unless asked for", async () => {
    await using relay = await TestRelay.start({ store: "memory", settings })
    await relay.stop()
    await expect(stat(join(relay.folder, "statistics"))).rejects.toThrow("ENOENT")
  })
})

describe("names", () => {
  const record = { name: "alice.simplex", nickname: "", website: "", location: "", owner: "", resolver: "" }
  const rslv = (name: string): { tag: "RSLV"; name: string } => ({ tag: "RSLV", name })

  it("are resolved for clients", async () => {
    const resolver = createServer((request, response) => {
      const known = request.url === "/resolve/alice.simplex"
      response
        .writeHead(known ? 200 : 404)
        .end(JSON.stringify({ ...record, simplexContact: ["x"], simplexChannel: [] }))
    }).listen(0, "127.0.0.1")
    await new Promise((resolve) => resolver.once("listening", resolve))
    const { port } = resolver.address() as AddressInfo
    const names = { "names.enabled": true, "names.endpoint": `http://127.0.0.1:${port}` }
    await using relay = await TestRelay.start({ store: "memory", settings: names })
    const client = await relay.connect()
    expect(await client.ask(rslv("alice.simplex"))).toMatchObject({
      tag: "RNAME",
      record: { name: "alice.simplex", simplexContact: ["x"], eth: null },
    })
    expect(await client.ask(rslv("bob.simplex"))).toEqual({
      tag: "ERR",
      error: { type: "NAME", error: { type: "NOT_FOUND" } },
    })
    resolver.close()
    resolver.closeAllConnections()
  })

  it("have an answer without a resolver", async () => {
    await using relay = await TestRelay.start({ store: "memory" })
    const client = await relay.connect()
    expect(await client.ask(rslv("alice.simplex"))).toEqual({
      tag: "ERR",
      error: { type: "NAME", error: { type: "NO_RESOLVER" } },
    })
  })

  it("that are configured wrongly keep the relay from starting, before it opens anything", async () => {
    const config = loadConfig(relaySettings, { overrides: { "names.enabled": true } })
    await expect(createRelay(config, { log: silentLog, dataFolder: "/nonexistent" })).rejects.toThrow(
      /^names\.endpoint/,
    )
  })
})
