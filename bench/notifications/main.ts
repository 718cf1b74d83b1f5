// Notification servers in processes of their own, between a relay and a stand-in for Apple's service with HTTP/2 and TLS:
// `npm run bench:notifications`, some ten minutes. How long a notification takes at a steady rate, also while a server is
// killed, and how long a server that starts needs to subscribe to many queues of one relay.
// node bench/notifications/main.ts [notifications per second] [seconds] [subscriptions]

import { openRedisNtfStore } from "@sluice/notifications/store/redis/redis-ntf-store"
import { openEmbeddedStore } from "@sluice/notifications/store/table-store"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { startRedis } from "../../packages/redis/test/start-redis.ts"
import { conditions } from "../relay/medians.ts"
import { latency } from "./latency.ts"
import { resubscription } from "./resubscription.ts"

const [perSecond = 200, seconds = 20, count = 100_000] = process.argv.slice(2).map(Number)

await using redis = await startRedis({ appendonly: true })
let prefixes = 0
const onRedis = (): Record<string, unknown> => ({
  "notifications.store": "redis",
  "notifications.lease": "2s",
  "redis.nodes": [`127.0.0.1:${redis.port}`],
  "redis.prefix": `bench${prefixes++}:`,
})

console.log(`${conditions()}\n`)
console.log(`${perSecond} notifications per second for ${seconds} s, milliseconds from SEND to the push service\n`)
console.log(
  "| what | sent | arrived | pushes | without news | median | p99 | longest |\n|---|---|---|---|---|---|---|---|",
)
for (const [what, run] of [
  ["embedded store", { settings: {}, gathering: "250ms", servers: 1, kill: false }],
  [
    "embedded store, gathered as long as by the reference",
    { settings: {}, gathering: "1.5s", servers: 1, kill: false },
  ],
  ["Redis, three servers", { settings: onRedis(), gathering: "250ms", servers: 3, kill: false }],
  ["Redis, one of three killed", { settings: onRedis(), gathering: "250ms", servers: 3, kill: true }],
] as const) {
  if (seconds === 0) break
  const { sent, arrived, pushes, repeated, times } = await latency({ perSecond, seconds, ...run })
  const at = (part: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(0)
  console.log(`| ${what} | ${sent} | ${arrived} | ${pushes} | ${repeated} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`)
}

console.log(`\n${count} subscriptions of one relay after a restart\n`)
console.log("| store | how | seconds | most memory, MiB | made one by one |\n|---|---|---|---|---|")
if (count > 0) {
  const settings = onRedis()
  await table("embedded", {}, (folder) => openEmbeddedStore({ folder: `${folder}/notifications-store`, sync: false }))
  await table("Redis", settings, async () => {
    const prefix = `${settings["redis.prefix"]}ntf:`
    const connection = openRedis(redis.config({ prefix }), { log: silentLog, clock: systemClock })
    await connection.ready(5000)
    const store = openRedisNtfStore({ connection, node: "bench" })
    return { ...store, close: () => store.close().then(() => connection.close()) }
  })
}

async function table(
  name: string,
  settings: Record<string, unknown>,
  open: Parameters<typeof resubscription>[0]["open"],
): Promise<void> {
  for (const { how, seconds: took, peakMiB, oneByOne } of await resubscription({ count, settings, open })) {
    console.log(`| ${name} | ${how} | ${took.toFixed(2)} | ${peakMiB.toFixed(0)} | ${oneByOne} |`)
  }
}
