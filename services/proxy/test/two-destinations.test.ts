import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { ProxiedRelay } from "@sluice/smp-client/proxied-relay"
import { expect, it } from "vitest"
import { SmallRelay, until } from "../../../packages/proxying/test/small-relay.ts"
import { newCredentials } from "../../../packages/smp-client/test/fake-server.ts"
import { ProxyUnderTest } from "./proxy-under-test.ts"

const CLIENTS = 32
const IN_FLIGHT = 1000
const PROBES = 200

/**
 * Two relays behind one proxy, one of which stops answering with 1000 forwarded messages under way. The other's traffic
 * must not notice, the first one's clients must hear of it in time, and the proxy must keep nothing.
 */
it("a relay that stops answering does not slow down the other one", async () => {
  const clock = new ManualClock(Date.now())
  await using proxy = await ProxyUnderTest.start({}, clock)
  await using deaf = await SmallRelay.start({ credentials: newCredentials(), deaf: true })
  await using healthy = await SmallRelay.start({ credentials: newCredentials() })
  const { metrics } = proxy.server

  await using owner = await connect(healthy.address)
  const { senderId } = await owner.createQueue({ subscribe: false })
  await using probing = await connect(proxy.address)
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(proxy.address)))
  const stuck = await Promise.all(clients.map((client) => client.openRelay(deaf.address)))
  const proxied = await probing.openRelay(healthy.address)
  await latencies(proxied, senderId)
  const alone = await latencies(proxied, senderId)

  const memoryBefore = await memoryInUse(deaf, healthy)
  const outcomes = stuck.flatMap((relay) =>
    Array.from({ length: Math.ceil(IN_FLIGHT / CLIENTS) }, () => outcome(relay)),
  )
  await until(() => metrics.levels().running >= IN_FLIGHT)

  const beside = await latencies(proxied, senderId)
  const ratio = median(beside) / median(alone)
  console.info(
    `median latency beside ${outcomes.length} stuck messages: ${median(beside).toFixed(2)} ms, ` +
      `${ratio.toFixed(2)} times that without (${median(alone).toFixed(2)} ms)`,
  )
  expect(ratio).toBeLessThan(3)

  clock.advance(30_000)
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["PROXY BROKER TIMEOUT"]))
  expect(metrics.levels()).toMatchObject({ running: 0, waiting: 0 })

  const kept = (await memoryInUse(deaf, healthy)) - memoryBefore
  console.info(`memory kept afterwards: ${(kept / 1024 / 1024).toFixed(1)} MiB`)
  expect(kept).toBeLessThan(4 * 1024 * 1024)

  // The connections of the clients that waited are as good as before.
  const [first] = clients
  await first?.ping()
  await Promise.all(clients.map((client: SmpConnection) => client.close()))
})

async function outcome(relay: ProxiedRelay): Promise<string> {
  try {
    await relay.sendMessage({ senderId: c.randomBytes(24) }, c.randomBytes(1000))
    return "sent"
  } catch (error) {
    const answer = (error as { answer?: { type: string; error: { type: string; error: { type: string } } } }).answer
    return answer === undefined ? String(error) : `${answer.type} ${answer.error.type} ${answer.error.error.type}`
  }
}

/** Milliseconds of each of a row of messages. */
async function latencies(relay: ProxiedRelay, senderId: Uint8Array): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < PROBES; i++) {
    const start = performance.now()
    await relay.sendMessage({ senderId }, Uint8Array.of(i))
    times.push(performance.now() - start)
  }
  return times
}

const collectGarbage = ((): (() => void) => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
})()

/** Bytes that this process holds, without what the relays of the test have written down. */
async function memoryInUse(...relays: readonly SmallRelay[]): Promise<number> {
  for (const { server } of relays) for (const { blocks } of server.connections) blocks.length = 0
  for (let i = 0; i < 3; i++) {
    await setImmediate()
    collectGarbage()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
