/**
 * Sends 200 pushes a second, evenly, to servers that stand in for APNs, FCM and a Web Push service, for some seconds each, and
 * prints the time from handing a push over until the server has all of it:
 *
 *     node packages/push/bench/steady.ts [pushes a second] [seconds]
 */
import { cpus } from "node:os"
import { setTimeout as wait } from "node:timers/promises"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { generateP256 } from "@sluice/crypto/native/p256"
import { ApnsProvider } from "../src/apns-provider.ts"
import { FcmProvider } from "../src/fcm-provider.ts"
import type { PushNotification, PushProvider, PushTarget } from "../src/provider.ts"
import { parseServiceAccount } from "../src/service-account.ts"
import { WebPushProvider } from "../src/web-push-provider.ts"
import { ApnsStandIn } from "../test/apns-stand-in.ts"
import { FcmStandIn } from "../test/fcm-stand-in.ts"
import { randomContent } from "../test/notifications.ts"
import type { ReceivedRequest } from "../test/stand-in.ts"
import { WebPushStandIn } from "../test/web-push-stand-in.ts"

const RATE = Number(process.argv[2] ?? 200)
const SECONDS = Number(process.argv[3] ?? 10)
const message: PushNotification = { kind: "message", seal: randomContent() }

async function measure(
  name: string,
  provider: PushProvider,
  targets: readonly PushTarget[],
  received: readonly ReceivedRequest[],
): Promise<void> {
  const { signal } = new AbortController()
  const [first] = targets
  if (first === undefined) throw new Error("no device")
  await provider.deliver(first, message, signal) // connects
  const times: number[] = []
  const outcomes: Promise<void>[] = []
  const before = received.length
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let i = 0; i < RATE * SECONDS; i++) {
    const due = start + (i * 1000) / RATE
    await wait(Math.max(0, due - performance.now()))
    const begin = performance.now()
    outcomes.push(
      provider.deliver(targets[i % targets.length] ?? first, message, signal).then(({ outcome }) => {
        if (outcome === "delivered") times.push(performance.now() - begin)
      }),
    )
  }
  await Promise.all(outcomes)
  const { user, system } = process.cpuUsage(cpu)
  times.sort((a, b) => a - b)
  const at = (part: number): string => `${(times[Math.floor(part * (times.length - 1))] ?? Number.NaN).toFixed(1)} ms`
  const counts = `${RATE * SECONDS} sent, ${times.length} taken, ${received.length - before} arrived`
  console.log(
    `  ${name.padEnd(8)} ${counts}; median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}; CPU of both sides ${((user + system) / 1000 / times.length).toFixed(2)} ms a push`,
  )
  await provider.close()
}

console.log(
  `${cpus()[0]?.model}, Node ${process.version}; ${RATE} pushes/s for ${SECONDS} s, servers in the same process`,
)

const apns = await new ApnsStandIn().start()
const { key, ...identity } = apns.credentials
const apnsProvider = new ApnsProvider({
  origin: apns.origin,
  ca: apns.ca,
  key: jwsKeyFromPem("ES256", key),
  ...identity,
})
await measure("APNs", apnsProvider, [{ kind: "apns", token: "ab".repeat(32) }], apns.received)
await apns.stop()

const fcm = await new FcmStandIn().start()
const account = parseServiceAccount(fcm.serviceAccount)
if (account === undefined) throw new Error("not an account")
const fcmProvider = new FcmProvider({ origin: fcm.origin, ca: fcm.ca, account })
await measure("FCM", fcmProvider, [{ kind: "fcm", token: "token" }], fcm.received)
await fcm.stop()

const web = await new WebPushStandIn().start()
const { privateKey } = generateP256()
const devices = Array.from({ length: 100 }, () => ({ kind: "web-push", ...web.subscribe() }) as const)
const webProvider = new WebPushProvider({ privateKey, subject: "mailto:a@example.org", ca: web.ca, allowPrivate: true })
await measure("Web Push", webProvider, devices, web.received)
await web.stop()
