import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64Url, encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { createAdminServer } from "@sluice/ops/admin-server"
import { Metrics } from "@sluice/ops/metrics"
import { OperatorError } from "@sluice/ops/operator-error"
import { Readiness } from "@sluice/ops/readiness"
import { Secret } from "@sluice/ops/secret"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import { NO_COUNTS, type QueueStore } from "@sluice/queue-store/queue-store"
import { StoreError } from "@sluice/queue-store/store-error"
import { describe, expect, it } from "vitest"
import {
  contactQueue,
  id,
  lid,
  link,
  message,
  notifier,
  queue,
  rid,
  sid,
} from "../../../packages/queue-store/test/fixtures.ts"
import { type CoreFixture, connect, coreFixture, subscribe } from "../test/core-fixture.ts"
import { type AdminParts, adminRoutes } from "./admin-routes.ts"
import { DailyStatistics } from "./daily-statistics.ts"
import type { SnapshotResult } from "./snapshots.ts"

const FINGERPRINT = new Uint8Array(32).fill(0x11)
const TOKEN = "a-token-of-twenty-or-more"
const SPAM = { reason: "spam" } as const

interface Fixture extends CoreFixture {
  /** The answer to an administrator: status and body. */
  ask(method: "GET" | "POST", path: string, payload?: object): Promise<[number, Readonly<Record<string, unknown>>]>
  readonly calls: string[]
  readonly daily: DailyStatistics
}

function fixture(changes: Partial<AdminParts> = {}, store?: QueueStore, token: string | undefined = TOKEN): Fixture {
  const core = coreFixture(store)
  const { relay, clock, log } = core
  const calls: string[] = []
  const daily = new DailyStatistics({
    statistics: relay.statistics,
    counts: () => relay.store.counts(),
    now: () => clock.now(),
    log,
  })
  const routes = adminRoutes({
    relay,
    dailyBlocks: 20,
    daily,
    counts: () => ({ ...NO_COUNTS, queues: 3 }),
    snapshots: {
      take: async (name) => {
        calls.push(`snapshot ${name}`)
        return { result: "written", folder: "/data/backups/x", ms: 7 }
      },
    },
    fingerprint: () => FINGERPRINT,
    reload: async () => {
      calls.push("reload")
    },
    drain: () => {
      calls.push("drain")
    },
    log,
    ...changes,
  })
  const options = { bind: "127.0.0.1", port: 0, routes, ...(token !== "" && { token: new Secret(token) }) }
  const server = createAdminServer(options, { metrics: new Metrics(), readiness: new Readiness(clock), log })
  const ask: Fixture["ask"] = async (method, path, payload) => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await server.inject({ method, url: `/admin${path}`, headers, ...(payload && { payload }) })
    return [response.statusCode, response.json()]
  }
  return { ...core, ask, calls, daily }
}

/** The ID of the first test queue's sender, as clients write it. */
const SENDER = encodeBase64Url(sid(1))
const blocked = (info: object, more = {}): object => ({ tag: "blocked", info, ...more })

describe("administrators' routes", () => {
  it("are off without a token", async () => {
    const { ask } = fixture({}, undefined, "")
    for (const path of ["/statistics", "/sessions"]) expect((await ask("GET", path))[0]).toBe(404)
    for (const path of ["/queue/status", "/queue/block", "/snapshot", "/drain", "/certificates/reload"]) {
      expect((await ask("POST", path, {}))[0]).toBe(404)
    }
  })

  it("tell a failing store from a defect", async () => {
    const store = createMemoryStore()
    let failure: Error = new StoreError({ code: "STORE_UNAVAILABLE", operation: "queueBySender" })
    store.queueBySender = () => Promise.reject(failure)
    const { ask, log } = fixture({}, store)
    expect(await ask("POST", "/queue/status", { queue: SENDER })).toEqual([
      503,
      { error: "the store failed: queueBySender" },
    ])
    expect(log.entries).toMatchObject([{ level: "error", message: "the store failed" }])
    failure = new Error("a defect")
    expect(await ask("POST", "/queue/block", { queue: SENDER, reason: "spam" })).toEqual([
      500,
      { error: "internal error" },
    ])
    // One failed action does not hold up those behind it.
    failure = new StoreError({ code: "STORE_UNAVAILABLE", operation: "queueBySender" })
    expect((await ask("POST", "/queue/block", { queue: SENDER, reason: "spam" }))[0]).toBe(503)
  })
})

describe("statistics", () => {
  it("are told since the start and of the day", async () => {
    const { ask, relay, store, clock } = fixture()
    relay.statistics.sent(rid(1), true)
    relay.statistics.rcvServices.assocNew = 2
    relay.statistics.names.requests = 5
    await store.createQueue(queue(1))
    const [status, body] = await ask("GET", "/statistics")
    expect(status).toBe(200)
    expect(body).toMatchObject({
      day: "2025-06-30",
      today: { relay: { msgSent: 1, msgSentNtf: 1, qCreated: 0 }, names: { requests: 5 }, relays: { requests: 0 } },
      sinceStart: { relay: { msgSent: 1 }, names: { requests: 5 } },
      services: { rcvServices: { assocNew: 2 }, ntfServices: { assocNew: 0 } },
      activeQueues: { day: 1, week: 1, month: 1 },
      activeQueuesWithNotifications: { day: 1, week: 1, month: 1 },
      stored: { queues: 3, notifiers: 0 },
    })
    expect(clock.pending).toBe(0)
  })
})

describe("sessions", () => {
  it("are counted by kind, without any ID", async () => {
    const { ask, relay, store } = fixture()
    for (const n of [1, 2]) await store.createQueue(queue(n, { notifier: notifier(n) }))
    const [, phone, push] = [connect(relay), connect(relay), connect(relay)]
    await subscribe(relay, phone.client, queue(1))
    await subscribe(relay, phone.client, queue(2))
    relay.notifications.subscribe(push.client, notifier(1).notifierId)
    const service = (role: "M" | "N" | "P") => {
      const sessionKey = nativeCrypto.generateKeyPair("ed25519").publicKey
      return connect(relay, { serviceId: id("service", 1), role, fingerprint: FINGERPRINT, sessionKey })
    }
    relay.services.subscribe(service("M").client, "messages", id("service", 1), {
      count: 9,
      idsHash: new Uint8Array(16),
    })
    service("P")
    connect(relay).client.forwards = true
    expect(await ask("GET", "/sessions")).toEqual([
      200,
      {
        sessions: { total: 6, service: 1, proxy: 2, notifier: 1, messaging: 1, other: 1 },
        subscriptions: {
          messages: { queues: 2, services: 1, serviceQueues: 9 },
          notifications: { queues: 1, services: 0, serviceQueues: 0 },
        },
      },
    ])
  })
})

describe("looking a queue up", () => {
  it("tells what it is, by every way to name it", async () => {
    const { ask, relay, store, log } = fixture()
    const record = queue(1, { linkId: lid(1), senderKey: new Uint8Array(44), notifier: notifier(1) })
    await store.createQueue(record, { linkData: link(1, 2) })
    for (const n of [1, 2]) await store.enqueue(rid(1), message(n), { quota: 1 })
    await subscribe(relay, connect(relay).client, record)
    const description = {
      status: "active",
      mode: "messaging",
      secured: true,
      created: "2024-10-04",
      lastUse: "2024-10-04",
      messages: 2,
      bytes: 51,
      notifier: true,
      service: { messages: false, notifications: false },
      subscribed: true,
    }
    const key = encodeBase64Url(FINGERPRINT)
    const other = await ask("POST", "/queue/status", { queue: encodeBase64Url(lid(1)) })
    expect(other).toEqual([404, { error: "there is no such queue" }])
    for (const name of [SENDER, encodeBase64UrlUnpadded(sid(1)), `smp://${key}@relay.example/${SENDER}#/?v=1-4`]) {
      expect(await ask("POST", "/queue/status", { queue: name })).toEqual([200, description])
    }
    expect(JSON.stringify(log.entries)).not.toContain(SENDER)
  })

  it("tells the link, the service and the block", async () => {
    const { ask, store } = fixture()
    const record = contactQueue(1, {
      linkId: lid(1),
      rcvServiceId: id("service", 1),
      notifier: notifier(1, { serviceId: id("service", 2) }),
    })
    await store.createQueue(record, { linkData: link(1, 2) })
    await store.setStatus(rid(1), { tag: "off" })
    await store.block(rid(1), { reason: "content", notice: { ttl: 60 } })
    const url = `https://relay.example/i#${encodeBase64UrlUnpadded(lid(1))}/AAAA`
    for (const name of [encodeBase64Url(lid(1)), url]) {
      expect(await ask("POST", "/queue/status", { queue: name })).toEqual([
        200,
        {
          status: "blocked",
          block: { reason: "content", notice: { ttl: 60 }, suspended: true },
          mode: "contact",
          secured: false,
          created: "2024-10-04",
          lastUse: "2024-10-04",
          messages: 0,
          bytes: 0,
          linkBytes: 340,
          notifier: true,
          service: { messages: true, notifications: true },
          subscribed: false,
        },
      ])
    }
  })

  it("knows queues of old clients", async () => {
    const { ask, store } = fixture()
    const { queueMode: _, createdAt: __, ...old } = queue(1, { status: { tag: "off" } })
    await store.createQueue(old)
    const [, body] = await ask("POST", "/queue/status", { queue: SENDER })
    expect(body).toMatchObject({ status: "suspended", mode: "unknown" })
    expect(body).not.toHaveProperty("created")
  })

  it.each([
    ["nothing", undefined],
    ["no queue", {}],
    ["a number", { queue: 1 }],
    ["no base64url", { queue: "§" }],
    ["a queue of another server", { queue: `smp://${encodeBase64Url(rid(1))}@relay.example/${SENDER}` }],
  ])("refuses %s", async (_what, payload) => {
    for (const action of ["status", "block", "unblock", "delete"]) {
      const error = expect.stringMatching(/^queue: /)
      expect(await fixture().ask("POST", `/queue/${action}`, payload)).toEqual([400, { error }])
    }
  })
})

describe("blocking a queue", () => {
  const block = (more: object = {}): object => ({ queue: SENDER, reason: "spam", ...more })

  it("is told to its subscriber at once, and counted", async () => {
    const { ask, relay, store, log } = fixture()
    await store.createQueue(queue(1))
    await store.createQueue(queue(2))
    const [recipient, other] = [connect(relay), connect(relay)]
    await subscribe(relay, recipient.client, queue(1))
    await subscribe(relay, other.client, queue(2))
    const notice = { ttl: 86_400 }
    expect(await ask("POST", "/queue/block", block({ notice }))).toEqual([
      200,
      { result: "blocked", previous: "active" },
    ])
    const error = { type: "BLOCKED", reason: "spam", notice }
    expect(recipient.sent).toEqual([{ corrId: new Uint8Array(0), entityId: rid(1), message: { tag: "ERR", error } }])
    expect(other.sent).toEqual([])
    expect((await store.queueByRecipient(rid(1)))?.status).toEqual(blocked({ reason: "spam", notice }))
    expect(relay.statistics.qBlocked).toBe(1)
    expect(log.entries).toMatchObject([
      { level: "info", message: "an administrator blocked a queue", fields: { reason: "spam", state: "active" } },
    ])
  })

  it("changes what it is blocked for, without telling and counting again", async () => {
    const { ask, relay, store } = fixture()
    await store.createQueue(queue(1))
    const { client, sent } = connect(relay)
    await subscribe(relay, client, queue(1))
    await ask("POST", "/queue/block", block())
    expect(await ask("POST", "/queue/block", block({ reason: "content", notice: {} }))).toEqual([
      200,
      { result: "changed", previous: "blocked", previousBlock: SPAM },
    ])
    expect((await store.queueByRecipient(rid(1)))?.status).toEqual(blocked({ reason: "content", notice: {} }))
    expect([sent.length, relay.statistics.qBlocked]).toEqual([1, 1])
  })

  it("of a suspended one is not counted, and gives it back suspended", async () => {
    const { ask, relay, store } = fixture()
    await store.createQueue(queue(1, { status: { tag: "off" } }))
    expect(await ask("POST", "/queue/block", block())).toEqual([200, { result: "blocked", previous: "suspended" }])
    expect(relay.statistics.qBlocked).toBe(0)
    expect(await ask("POST", "/queue/unblock", { queue: SENDER })).toEqual([
      200,
      { result: "unblocked", status: "suspended", previousBlock: SPAM },
    ])
    expect((await store.queueByRecipient(rid(1)))?.status).toEqual({ tag: "off" })
  })

  it.each([
    ["no reason", { reason: undefined }],
    ["an unknown reason", { reason: "other" }],
    ["a notice that is none", { notice: 5 }],
    ["no notice", { notice: null }],
    ["a time that is none", { notice: { ttl: "1d" } }],
    ["half a second", { notice: { ttl: 0.5 } }],
    ["no time", { notice: { ttl: 0 } }],
  ])("needs what clients can be told: %s", async (_what, more) => {
    const { ask, store } = fixture()
    await store.createQueue(queue(1))
    expect((await ask("POST", "/queue/block", block(more)))[0]).toBe(400)
    expect((await store.queueByRecipient(rid(1)))?.status).toEqual({ tag: "active" })
  })

  it("needs a queue", async () => {
    const { ask } = fixture()
    for (const action of ["block", "unblock", "delete"]) {
      expect(await ask("POST", `/queue/${action}`, block())).toEqual([404, { error: "there is no such queue" }])
    }
  })
})

describe("the limit of queues blocked daily", () => {
  const blockAll = async ({ ask, store }: Fixture, from: number, count: number): Promise<number[]> => {
    const numbers = Array.from({ length: count }, (_, i) => from + i)
    for (const n of numbers) await store.createQueue(queue(n))
    const asked = numbers.map((n) => ask("POST", "/queue/block", { queue: encodeBase64Url(sid(n)), ...SPAM }))
    return (await Promise.all(asked)).map(([status]) => status)
  }

  it("holds for queues blocked at the same time, until the next day", async () => {
    const given = fixture({ dailyBlocks: 3 })
    const { relay, clock, log, ask, daily } = given
    expect((await blockAll(given, 1, 5)).sort()).toEqual([200, 200, 200, 429, 429])
    expect(relay.statistics.qBlocked).toBe(3)
    expect(log.entries.at(-1)).toMatchObject({ level: "warn", fields: { limit: 3 } })
    // What is blocked already can be blocked for something else.
    expect((await ask("POST", "/queue/block", { queue: SENDER, reason: "content" }))[0]).toBe(200)
    clock.advance(86_400_000)
    await daily.endDay()
    expect(await blockAll(given, 10, 2)).toEqual([200, 200])
  })

  it("is none when it is 0", async () => {
    expect(await blockAll(fixture({ dailyBlocks: 0 }), 1, 30)).toEqual(Array(30).fill(200))
  })

  it("forbids blocking when it is -1, and nothing else", async () => {
    const given = fixture({ dailyBlocks: -1 })
    expect(await blockAll(given, 1, 1)).toEqual([429])
    await given.store.block(rid(1), SPAM)
    expect(await blockAll(given, 1, 1)).toEqual([429])
    expect((await given.ask("POST", "/queue/unblock", { queue: SENDER }))[0]).toBe(200)
  })

  it("is twenty unless set otherwise", async () => {
    const statuses = await blockAll(fixture(), 1, 22)
    expect(statuses.filter((status) => status === 200)).toHaveLength(20)
  })
})

describe("unblocking a queue", () => {
  it("tells why it was blocked", async () => {
    const { ask, store, log } = fixture()
    await store.createQueue(queue(1))
    await store.block(rid(1), SPAM)
    expect(await ask("POST", "/queue/unblock", { queue: SENDER })).toEqual([
      200,
      { result: "unblocked", status: "active", previousBlock: SPAM },
    ])
    expect(await store.queueByRecipient(rid(1))).toEqual(queue(1))
    expect(log.entries).toMatchObject([{ message: "an administrator unblocked a queue" }])
  })

  it.each(["active", "off"] as const)("leaves one alone that is not blocked: %s", async (tag) => {
    const { ask, store, log } = fixture()
    await store.createQueue(queue(1, { status: { tag } }))
    const status = tag === "off" ? "suspended" : "active"
    expect(await ask("POST", "/queue/unblock", { queue: SENDER })).toEqual([200, { result: "not-blocked", status }])
    expect((await store.queueByRecipient(rid(1)))?.status).toEqual({ tag })
    expect(log.entries).toEqual([])
  })
})

describe("deleting a queue", () => {
  it("tells its subscribers, and counts as a deletion", async () => {
    const { ask, relay, store, clock, log } = fixture()
    await store.createQueue(queue(1, { notifier: notifier(1) }))
    for (const n of [1, 2]) await store.enqueue(rid(1), message(n), { quota: 9 })
    const [recipient, push] = [connect(relay), connect(relay)]
    relay.delivery.register(recipient.client, queue(1))
    relay.notifications.subscribe(push.client, notifier(1).notifierId)
    expect(await ask("POST", "/queue/delete", { queue: SENDER })).toEqual([200, { result: "deleted", messages: 2 }])
    clock.advance(15_000)
    expect(recipient.sent).toMatchObject([{ entityId: rid(1), message: { tag: "DELD" } }])
    expect(push.sent).toMatchObject([{ entityId: notifier(1).notifierId, message: { tag: "DELD" } }])
    expect(await store.queueByRecipient(rid(1))).toBeUndefined()
    const { qDeletedAll, qDeletedNew, qDeletedSecured } = relay.statistics
    expect([qDeletedAll, qDeletedNew, qDeletedSecured]).toEqual([1, 1, 0])
    expect(log.entries).toMatchObject([{ message: "an administrator deleted a queue", fields: { messages: 2 } }])
  })
})

describe("snapshots, certificates, draining", () => {
  it("passes a name on, or none", async () => {
    const { ask, calls, log } = fixture()
    const written = [200, { folder: "/data/backups/x", ms: 7 }]
    expect(await ask("POST", "/snapshot", { name: "before-upgrade" })).toEqual(written)
    expect(await ask("POST", "/snapshot")).toEqual(written)
    expect(calls).toEqual(["snapshot before-upgrade", "snapshot undefined"])
    expect(log.entries).toHaveLength(2)
    expect((await ask("POST", "/snapshot", { name: 7 }))[0]).toBe(400)
  })

  it.each<[SnapshotResult["result"], number]>([
    ["bad-name", 400],
    ["exists", 409],
    ["busy", 409],
    ["not-embedded", 409],
  ])("says why there is no snapshot: %s", async (result, status) => {
    const { ask, log } = fixture({ snapshots: { take: async () => ({ result }) as SnapshotResult } })
    expect(await ask("POST", "/snapshot")).toEqual([status, { error: expect.any(String) }])
    expect(log.entries).toEqual([])
  })

  it("reloads certificates", async () => {
    const { ask, calls, log } = fixture()
    expect(await ask("POST", "/certificates/reload")).toEqual([200, { result: "reloaded" }])
    expect([calls, log.entries.length]).toEqual([["reload"], 1])
  })

  it("says what is wrong with new certificates", async () => {
    const { ask } = fixture({ reload: () => Promise.reject(new OperatorError("identity.path: expired")) })
    expect(await ask("POST", "/certificates/reload")).toEqual([422, { error: "identity.path: expired" }])
  })

  it("drains", async () => {
    const { ask, calls, relay, log } = fixture()
    connect(relay)
    expect(await ask("POST", "/drain")).toEqual([202, { result: "draining", sessions: 1 }])
    expect(calls).toEqual(["drain"])
    expect(log.entries).toMatchObject([{ level: "info", fields: { sessions: 1 } }])
  })
})
