import { setImmediate } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { ProxiedRelay } from "@sluice/smp-client/proxied-relay"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import { afterAll, beforeAll, expect, test } from "vitest"
import { reachableBytes } from "../support/hostile-memory.ts"
import { TestRelay } from "../support/relay.ts"
import { addressOf } from "./addresses.ts"
import { type LinkState, TurnableLink } from "./turnable-link.ts"

/** 2 × 20 clients with 25 commands each: 1,000 in flight, below the proxy's limit of 32 for a client. */
const CLIENTS = 20
const EACH = 25
const IN_FLIGHT = CLIENTS * EACH
/** Rounds of the healthy clients whose latencies are compared. */
const ROUNDS = 3
/** Milliseconds that a proxy waits for the answer of a relay, by default. */
const RESPONSE_TIMEOUT = 30_000
/** Milliseconds in which 500 clients hear that this time has passed; the machine runs all of them as well. */
const LATE = 5000
/** Bytes that may remain: pools of buffers and compiled code. The commands in flight are ten times that. */
const REMAINING = 4 * 2 ** 20
/** The latency with a silent relay beside may be this much of that without. */
const RATIO = 4

const TIMED_OUT = { type: "PROXY", error: { type: "BROKER", error: { type: "TIMEOUT" } } }

const body = nativeCrypto.randomBytes(16_000)

let healthy: TestRelay
let stalling: TestRelay
/** Of the proxy alone: its time-outs come when the test says so, and everything else at the speed of the machine. */
let clock: ManualClock
let proxy: TestRelay
beforeAll(async () => {
  const settings = { "relay.message_quota": 10_000 }
  healthy = await TestRelay.start({ store: "memory", settings })
  stalling = await TestRelay.start({ store: "memory", settings })
  clock = new ManualClock(Date.now())
  proxy = await TestRelay.start({ clock, store: "memory", settings: { "proxy.allow_private": true } })
})
afterAll(async () => {
  for (const relay of [proxy, healthy, stalling]) await relay[Symbol.asyncDispose]()
})

interface Sender {
  readonly connection: SmpConnection
  readonly proxied: ProxiedRelay
  queue: CreatedQueue
}

/** Clients of the proxy that send to one relay, each to a queue of its own. */
class Clients implements AsyncDisposable {
  readonly #owner: SmpConnection
  readonly #senders: readonly Sender[]

  private constructor(owner: SmpConnection, senders: readonly Sender[]) {
    this.#owner = owner
    this.#senders = senders
  }

  /** `port` leads to the relay. */
  static async to(relay: TestRelay, port = relay.port): Promise<Clients> {
    const owner = await connect(addressOf(relay))
    const sender = async (): Promise<Sender> => {
      const connection = await connect(addressOf(proxy), { commandTimeoutMs: 60_000 })
      const proxied = await connection.openRelay(addressOf(relay, port))
      return { connection, proxied, queue: await owner.createQueue({ subscribe: false }) }
    }
    return new Clients(owner, await Promise.all(Array.from({ length: CLIENTS }, sender)))
  }

  /** Sends `EACH` messages of every client at once: how long each took, and what came of it. */
  round(): Promise<readonly { ms: number; problem: unknown }[]> {
    return Promise.all(
      this.#senders.flatMap(({ proxied, queue }) =>
        Array.from({ length: EACH }, async () => {
          const begun = performance.now()
          const problem = await proxied.sendMessage(queue, body).then(
            () => undefined,
            ({ answer }) => answer,
          )
          return { ms: performance.now() - begun, problem }
        }),
      ),
    )
  }

  /** Replaces the queues, so that the relay has no messages any more. */
  async empty(): Promise<void> {
    for (const sender of this.#senders) {
      await this.#owner.deleteQueue(sender.queue)
      sender.queue = await this.#owner.createQueue({ subscribe: false })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { connection } of this.#senders) await connection.close()
    await this.#owner.close()
  }
}

/** Latencies of some rounds, all of which must succeed; the median in milliseconds. */
async function median(clients: Clients): Promise<number> {
  const all: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const { ms, problem } of await clients.round()) {
      expect(problem).toBeUndefined()
      all.push(ms)
    }
  }
  return all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN
}

/** Commands that the proxy has under way, as it tells those who scrape it. */
async function running(): Promise<number> {
  const { port } = proxy.relay.adminAddress
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^sluice_proxy_commands_running (\d+)/m.exec(text)?.[1])
}

/** Asks until so many are under way. */
async function untilRunning(count: number): Promise<void> {
  while ((await running()) !== count) await setImmediate()
}

test.each<readonly [string, LinkState]>([
  ["reads and does not answer", "silent"],
  ["does not even read", "unread"],
])("a relay that %s does not hold up messages to another one", async (name, state) => {
  await using good = await Clients.to(healthy)
  await using link = await TurnableLink.to(stalling.port)
  await using bad = await Clients.to(stalling, link.port)
  // Once both ways, so that nothing is done for the first time later.
  await good.round()
  await bad.round()
  const alone = await median(good)
  await good.empty()
  await bad.empty()
  const memory = await reachableBytes()

  link.turn(state)
  const stuck = bad.round()
  await untilRunning(IN_FLIGHT)
  const beside = await median(good)
  clock.advance(RESPONSE_TIMEOUT - 1)
  // All of it was measured with the others in flight, and they still are.
  await good.round()
  expect(await running()).toBe(IN_FLIGHT)

  clock.advance(1)
  const due = performance.now()
  for (const { problem } of await stuck) expect(problem).toEqual(TIMED_OUT)
  const late = performance.now() - due
  expect(await running()).toBe(0)

  // What the relay has not read waits in the proxy's socket, until the relay is given up.
  await link[Symbol.asyncDispose]()
  await good.empty()
  const remaining = (await reachableBytes()) - memory
  process.stdout.write(
    `proxy beside a relay that ${name}: median ${beside.toFixed(0)} ms, alone ${alone.toFixed(0)} ms, ` +
      `ratio ${(beside / alone).toFixed(2)}; all time-outs within ${late.toFixed(0)} ms; ` +
      `memory ${(remaining / 2 ** 20).toFixed(1)} MiB more\n`,
  )
  expect(beside / alone).toBeLessThan(RATIO)
  expect(late).toBeLessThan(LATE)
  expect(remaining).toBeLessThan(REMAINING)
})

test("a client that has as many commands in progress as it may does not hold up others", async () => {
  await using owner = await connect(addressOf(healthy))
  const queue = await owner.createQueue({ subscribe: false })
  await using link = await TurnableLink.to(stalling.port)
  await using greedy = await connect(addressOf(proxy))
  await using modest = await connect(addressOf(proxy))
  const stalled = await greedy.openRelay(addressOf(stalling, link.port))
  const open = await modest.openRelay(addressOf(healthy))
  link.turn("silent")
  const stuck = Array.from({ length: 40 }, () => stalled.sendMessage(queue, body))
  const outcome = Promise.allSettled(stuck)
  await untilRunning(32)
  for (let i = 0; i < 100; i++) await open.sendMessage(queue, body)
  expect(await running()).toBe(32)

  clock.advance(RESPONSE_TIMEOUT)
  await untilRunning(8)
  clock.advance(RESPONSE_TIMEOUT)
  for (const { status, ...failure } of await outcome) {
    expect([status, failure]).toMatchObject(["rejected", { reason: { answer: TIMED_OUT } }])
  }
  expect(await running()).toBe(0)
})
