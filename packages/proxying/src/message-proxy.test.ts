import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { PkeyMessage } from "@sluice/smp-protocol/messages/proxy"
import { beforeEach, describe, expect, it } from "vitest"
import { FakeConnection, fakeSession } from "../test/fake-connection.ts"
import { errorOf, pfwd, prxy, RELAY, relayAt } from "../test/requests.ts"
import type { RelayConnection } from "./connect-relay.ts"
import { createMessageProxy, type ProxyOptions } from "./create-proxy.ts"
import type { MessageProxy } from "./message-proxy.ts"
import { createProxyMetrics, type OutcomeCounters, type ProxyMetrics } from "./metrics.ts"
import { BASIC_AUTH, NO_SESSION, networkError, OLD_VERSION, TIMED_OUT } from "./proxy-error.ts"
import { defaultRouting, type RoutingConfig } from "./settings.ts"

let clock: ManualClock
let register: Metrics
let metrics: ProxyMetrics
let connections: FakeConnection[]
/** What happens to the next attempt; by default it succeeds. */
let nextAttempt: (server: Server, signal: AbortSignal) => Promise<RelayConnection>
let proxy: MessageProxy

beforeEach(() => {
  clock = new ManualClock()
  connections = []
  nextAttempt = () => Promise.resolve(connected())
  proxy = start()
})

function start(options: Partial<ProxyOptions> = {}, routing: Partial<RoutingConfig> = {}): MessageProxy {
  register = new Metrics()
  metrics = createProxyMetrics(register.register)
  return createMessageProxy(
    { enabled: true, ...options, routing: { ...defaultRouting, ownServerDomains: ["example.com"], ...routing } },
    { crypto: c, clock, metrics, connect: (server, _dial, signal) => nextAttempt(server, signal) },
  )
}

function connected(session = fakeSession()): FakeConnection {
  const connection = new FakeConnection(session)
  connections.push(connection)
  return connection
}

/** The connection that was made last. */
function relay(): FakeConnection {
  const connection = connections.at(-1)
  if (connection === undefined) throw new Error("nothing is connected")
  return connection
}

function pending(_server: Server, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason))
  })
}

/** Lets promises settle. */
const turn = (): Promise<void> => clock.advanceAsync(0)

async function session(client: object, server: Server = RELAY): Promise<PkeyMessage> {
  const answer = await proxy.run(client, prxy(server))
  if (answer.tag !== "PKEY") throw new Error(`PKEY was expected, not ${answer.tag}`)
  return answer
}

/** The five counters: requests, successes, errorsConnect, errorsCompat, errorsOther. */
function counts({ requests, successes, errors }: OutcomeCounters): number[] {
  return [requests, successes, errors.connect, errors.compat, errors.other].map(({ value }) => value)
}

const CLIENT = {}

describe("PRXY", () => {
  it("gives every client the same session", async () => {
    const first = await session({})
    expect(await session({})).toEqual(first)
    expect(connections).toHaveLength(1)
    expect(first.sessionId).toEqual(relay().session.sessionId)
    expect(counts(metrics.sessions.all)).toEqual([2, 2, 0, 0, 0])
    expect(counts(metrics.sessions.own)).toEqual([2, 2, 0, 0, 0])
  })

  it("is refused where proxying is off", async () => {
    proxy = start({ enabled: false })
    expect(errorOf(await proxy.run(CLIENT, prxy()))).toEqual(BASIC_AUTH)
    expect(errorOf(await proxy.run(CLIENT, pfwd(c.randomBytes(32))))).toEqual(NO_SESSION)
    expect(connections).toHaveLength(0)
  })

  it("needs the password if there is one, and is not counted without", async () => {
    proxy = start({ password: "correct" })
    for (const password of [undefined, "", "wrong", "correct "]) {
      expect(errorOf(await proxy.run(CLIENT, prxy(RELAY, password)))).toEqual(BASIC_AUTH)
    }
    expect(connections).toHaveLength(0)
    expect(counts(metrics.sessions.all)).toEqual([0, 0, 0, 0, 0])
    expect((await proxy.run(CLIENT, prxy(RELAY, "correct"))).tag).toBe("PKEY")
    expect(counts(metrics.sessions.all)).toEqual([1, 1, 0, 0, 0])
  })

  it("ignores a password where none is set", async () => {
    expect((await proxy.run(CLIENT, prxy(RELAY, "whatever"))).tag).toBe("PKEY")
  })

  it("tells and counts failures by their kind", async () => {
    nextAttempt = () => Promise.reject(new SmpClientError({ code: "CONNECT", stage: "TLS" }))
    expect(errorOf(await proxy.run(CLIENT, prxy()))).toEqual(networkError({ type: "TLS", text: "failed" }))
    // The same again, from memory.
    expect(errorOf(await proxy.run(CLIENT, prxy()))).toEqual(networkError({ type: "TLS", text: "failed" }))
    nextAttempt = () => Promise.resolve(connected(fakeSession({ min: 6, max: 7 })))
    expect(errorOf(await proxy.run(CLIENT, prxy(relayAt("old.example.org"))))).toEqual(OLD_VERSION)
    nextAttempt = () => Promise.reject(new SmpClientError({ code: "TRANSPORT", error: "HANDSHAKE BAD_AUTH" }))
    await proxy.run(CLIENT, prxy(relayAt("bad.example.org")))
    nextAttempt = () => Promise.reject(new Error("a defect"))
    expect(errorOf(await proxy.run(CLIENT, prxy(relayAt("defect.example.org"))))).toEqual({ type: "INTERNAL" })
    expect(counts(metrics.sessions.all)).toEqual([5, 0, 3, 1, 1])
    expect(counts(metrics.sessions.own)).toEqual([2, 0, 2, 0, 0])
  })

  it("does not wait behind the client's own slow commands if the session is there", async () => {
    await session(CLIENT)
    nextAttempt = pending
    for (let i = 0; i < 40; i++) void proxy.run(CLIENT, prxy(relayAt(`r${i}.example.org`)))
    await session(CLIENT)
  })
})

describe("PFWD", () => {
  it("is forwarded and counted", async () => {
    const { sessionId } = await session(CLIENT)
    const answered = proxy.run(CLIENT, pfwd(sessionId))
    relay().last.resolve({ tag: "ERR", error: { type: "BLOCK" } })
    const error = { type: "PROXY", error: { type: "PROTOCOL", error: { type: "BLOCK" } } }
    expect(errorOf(await answered)).toEqual(error)
    expect(counts(metrics.messages.all)).toEqual([1, 1, 0, 0, 0])
    expect(counts(metrics.messages.own)).toEqual([1, 1, 0, 0, 0])
  })

  it("needs a session that is there", async () => {
    expect(errorOf(await proxy.run(CLIENT, pfwd(new TextEncoder().encode("bad session"))))).toEqual(NO_SESSION)
    const { sessionId } = await session(CLIENT)
    relay().lose()
    expect(errorOf(await proxy.run(CLIENT, pfwd(sessionId)))).toEqual(NO_SESSION)
    // Whose it would have been is not known.
    expect(counts(metrics.messages.all)).toEqual([2, 0, 2, 0, 0])
    expect(counts(metrics.messages.own)).toEqual([0, 0, 0, 0, 0])
  })

  it("needs no password, and no PRXY by the same client", async () => {
    proxy = start({ password: "correct" })
    const answer = await proxy.run({}, prxy(RELAY, "correct"))
    if (answer.tag !== "PKEY") throw new Error("PKEY was expected")
    void proxy.run({}, pfwd(answer.sessionId))
    expect(relay().sent).toHaveLength(1)
  })

  it("fails after its time, in its own group of counters", async () => {
    const { sessionId } = await session(CLIENT, relayAt("relay.example.org"))
    const answered = proxy.run(CLIENT, pfwd(sessionId))
    relay().timeOut()
    expect(errorOf(await answered)).toEqual(TIMED_OUT)
    expect(counts(metrics.messages.all)).toEqual([1, 0, 0, 0, 1])
    expect(counts(metrics.messages.own)).toEqual([0, 0, 0, 0, 0])
  })
})

describe("concurrency", () => {
  it("lets a client have 32 commands in progress, the others in order behind them", async () => {
    const { sessionId } = await session(CLIENT)
    const answers = Array.from({ length: 40 }, () => proxy.run(CLIENT, pfwd(sessionId)))
    expect(relay().sent).toHaveLength(32)
    expect(await level("sluice_proxy_commands_running")).toBe(32)
    expect(await level("sluice_proxy_commands_waiting")).toBe(8)
    relay().sent[31]?.resolve({ tag: "ERR", error: { type: "BLOCK" } })
    await answers[31]
    await turn()
    expect(relay().sent).toHaveLength(33)
    relay().lose()
    // Those that waited find the session gone.
    const ends = (await Promise.all(answers)).map(errorOf)
    expect(ends.slice(33)).toEqual(new Array(7).fill(NO_SESSION))
    expect(await level("sluice_proxy_commands_running")).toBe(0)
    expect(await level("sluice_proxy_commands_waiting")).toBe(0)
  })

  it("does not let a client at its limit hold up another one", async () => {
    const { sessionId } = await session(CLIENT)
    for (let i = 0; i < 100; i++) void proxy.run(CLIENT, pfwd(sessionId))
    const other = proxy.run({}, pfwd(sessionId))
    expect(relay().sent).toHaveLength(33)
    relay().last.resolve({ tag: "ERR", error: { type: "BLOCK" } })
    await other
  })

  it("refuses what is too much for all clients together", async () => {
    proxy = start({}, { concurrency: 3 })
    const { sessionId } = await session(CLIENT)
    for (let i = 0; i < 3; i++) void proxy.run({}, pfwd(sessionId))
    expect(errorOf(await proxy.run({}, pfwd(sessionId)))).toEqual(TIMED_OUT)
    expect(errorOf(await proxy.run({}, prxy(relayAt("b.example.org"))))).toEqual(TIMED_OUT)
    expect(relay().sent).toHaveLength(3)
    expect(counts(metrics.messages.all)).toEqual([4, 0, 0, 0, 1])
  })
})

describe("a client that disconnects", () => {
  it("gives up what it waits for", async () => {
    nextAttempt = pending
    const answers = Array.from({ length: 40 }, () => proxy.run(CLIENT, prxy()))
    expect(await level("sluice_proxy_connecting")).toBe(1)
    proxy.closed(CLIENT)
    for (const answer of await Promise.all(answers)) expect(errorOf(answer)).toEqual(TIMED_OUT)
    expect(await level("sluice_proxy_connecting")).toBe(0)
    expect(await level("sluice_proxy_commands_running")).toBe(0)
    expect(await level("sluice_proxy_commands_waiting")).toBe(0)

    nextAttempt = () => Promise.resolve(connected())
    await session({})
  })

  it("starts nothing any more", async () => {
    const { sessionId } = await session({})
    proxy.closed(CLIENT)
    expect(errorOf(await proxy.run(CLIENT, pfwd(sessionId)))).toEqual(TIMED_OUT)
    expect(errorOf(await proxy.run(CLIENT, prxy(relayAt("b.example.org"))))).toEqual(TIMED_OUT)
    expect(relay().sent).toHaveLength(0)
    expect(connections).toHaveLength(1)
  })
})

it("stops with all its connections", async () => {
  await session(CLIENT)
  await proxy.stop()
  expect(relay().open).toBe(false)
  expect(clock.pending).toBe(0)
})

it("shows the reference's counters under their names", async () => {
  const client = {}
  const { sessionId } = await session(client)
  const answered: Promise<BrokerMessage> = proxy.run(client, pfwd(sessionId))
  relay().timeOut()
  await answered
  const text = await register.render()
  for (const line of [
    'simplex_smp_relay_sessions_requests{source="all"} 1',
    'simplex_smp_relay_sessions_requests{source="own"} 1',
    'simplex_smp_relay_sessions_successes{source="all"} 1',
    'simplex_smp_relay_sessions_errors{source="all",type="connect"} 0',
    'simplex_smp_relay_sessions_errors{source="own",type="compat"} 0',
    'simplex_smp_relay_messages_requests{source="all"} 1',
    'simplex_smp_relay_messages_successes{source="own"} 0',
    'simplex_smp_relay_messages_errors{source="own",type="other"} 1',
    "sluice_proxy_destinations 1",
  ]) {
    expect(text).toContain(`${line}\n`)
  }
})

async function level(name: string): Promise<number> {
  const match = new RegExp(`^${name} (\\d+)$`, "m").exec(await register.render())
  return Number(match?.[1])
}
