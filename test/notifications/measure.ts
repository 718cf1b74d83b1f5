// How long 100,000 subscriptions take after a restart, and how long pushes take under load, over HTTP/2 and TLS to a server
// that stands in for Apple's: node test/notifications/measure.ts [subscriptions] [notifications per second] [seconds]
// Ends with 1 when something is not as it has to be: subscribed within a minute, with so much memory more at the most;
// nothing lost, and 99 % pushed within a second.
import { nativeCrypto } from "@sluice/crypto/native"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { SmpClient } from "@sluice/smp-client/client"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { ManySubscriptions, pushTimes } from "../support/many-subscriptions.ts"
import { TestDevice, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

const [subscriptions = 100_000, rate = 200, seconds = 10] = process.argv.slice(2).map(Number)

const LONGEST_SECONDS = 60
const MOST_MEMORY_MIB = 512
const LONGEST_PUSH = 1000

const turnsOf = new Map<string, number>()
const known = new Set<string>()

await resubscribe()
await push()

async function resubscribe(): Promise<void> {
  if (subscriptions === 0) return
  await using many = await ManySubscriptions.make(subscriptions)
  for (const [how, service] of [
    ["one by one", false],
    ["one by one, to be associated", true],
    ["as a service", true],
  ] as const) {
    const { seconds: took, memoryMiB, oneByOne } = await many.resubscribe(service)
    const figures = `${took.toFixed(2)} s, ${memoryMiB.toFixed(0)} MiB more at the highest`
    console.log(`${subscriptions} subscriptions ${how}: ${figures}, ${oneByOne} by themselves`)
    if (took > LONGEST_SECONDS || memoryMiB > MOST_MEMORY_MIB) process.exitCode = 1
  }
}

/** Devices with 6 queues each; every message asks for a notification. */
async function push(): Promise<void> {
  await using relay = await TestRelay.start({
    // Its default; other tests have it shorter.
    settings: { "relay.message_quota": 10_000, "relay.notification_interval": "250ms" },
  })
  await using ntf = await TestNotifications.start()
  const server = relay.address
  await using client = new SmpClient(server)
  const connection = await ntf.connect()
  const devices = new Map<string, TestDevice>()
  const queues = []
  const secrets = new Map<string, Uint8Array>()
  for (let i = 0; i < rate / 2; i++) {
    const device = await TestDevice.verified(connection, ntf.push, `d${i}`)
    devices.set(`d${i}`, device)
    for (let j = 0; j < 6; j++) {
      const queue = await client.createQueue({ subscribe: false, notifier: true })
      if (queue.notifier === undefined) throw new Error("no notifier")
      const { notifierId, notifierKey, dhSecret } = queue.notifier
      await connection.subscribe(device.access, { queue: { server, notifierId }, notifierKey })
      secrets.set(toHex(notifierId), dhSecret)
      queues.push(queue)
    }
  }
  while (ntf.server.relays.subscriptions.active < queues.length) await new Promise((resolve) => setTimeout(resolve, 20))

  const sentAt = new Map<string, number>()
  const arrived = new Map<string, number>()
  let pushes = 0
  const accepted = new Map<string, number>()
  const total = rate * seconds
  const began = performance.now()
  const waiting: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const due = began + (i * 1000) / rate
    const now = performance.now()
    if (due > now) await new Promise((resolve) => setTimeout(resolve, due - now))
    const queue = queues[i % queues.length]
    if (queue === undefined) throw new Error("no queue")
    const at = performance.now()
    // Messages of a queue are told apart by their turn: each queue waits for its last one.
    const id = `${toHex(queue.notifier?.notifierId ?? utf8(""))} ${Math.floor(i / queues.length)}`
    sentAt.set(id, at)
    const ok = client.sendMessage(queue, utf8("x"), { notify: true })
    waiting.push(ok.then(() => void accepted.set(id, performance.now())))
  }
  await Promise.all(waiting)
  const until = performance.now() + 10_000
  while (arrived.size < total && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    pushes += await collect()
  }
  console.log(`${rate} notifications/s for ${seconds} s: ${arrived.size} of ${total} arrived in ${pushes} pushes`)
  if (arrived.size !== total) process.exitCode = 1
  for (const [what, from] of [
    ["since SEND", sentAt],
    ["since its OK", accepted],
  ] as const) {
    const times = [...arrived].map(([id, at]) => Math.max(0, at - (from.get(id) ?? Number.NaN)))
    const { median, p99, longest } = pushTimes(times)
    if (p99 > LONGEST_PUSH) process.exitCode = 1
    console.log(
      `${what}: median ${median.toFixed(0)} ms, 99 % within ${p99.toFixed(0)} ms, longest ${longest.toFixed(0)} ms`,
    )
  }

  /** Takes what was pushed since the last time; gives the number of pushes. */
  async function collect(): Promise<number> {
    const turns = turnsOf
    let count = 0
    for (; ntf.push.pending > 0; count++) {
      const push = await ntf.push.next()
      const { at } = push
      for (const { queue, nonce, meta } of devices.get(push.device)?.list(push) ?? []) {
        const id = toHex(queue.notifierId)
        const opened = decryptNotificationMeta(
          nativeCrypto,
          nativeCrypto.boxKey(secrets.get(id) ?? utf8("")),
          nonce,
          meta,
        )
        if (opened === undefined) throw new Error("metadata that does not open")
        const msgId = toHex(opened.msgId)
        if (known.has(msgId)) continue
        known.add(msgId)
        const turn = turns.get(id) ?? 0
        turns.set(id, turn + 1)
        arrived.set(`${id} ${turn}`, at)
      }
    }
    return count
  }
}
