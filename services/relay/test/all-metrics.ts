import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { bullmqJobs } from "@sluice/redis/bullmq-jobs"
import { registerRedisMetrics } from "@sluice/redis/redis-metrics"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { expect } from "vitest"
import { relaySettings } from "../src/config.ts"
import { createRelay } from "../src/relay.ts"
import type { RelayParts } from "../src/relay-parts.ts"
import { registerRememberingMetrics } from "../src/store-metrics.ts"

/** Everything that `/metrics` of a relay can serve, put together and not started, in the Prometheus text format. */
export async function allMetrics(): Promise<string> {
  const dataFolder = await mkdtemp(join(tmpdir(), "metrics-"))
  try {
    const now = Math.floor(systemClock.now() / 1000)
    await createIdentity(nativeCrypto, identityFiles(join(dataFolder, "identity")), { host: "localhost", now })
    const metrics = new Metrics()
    registerProcessMetrics(metrics, { version: "1" })
    // Served where the store is in Redis.
    const figures = { units: 0, failures: 0, repeats: 0, connects: 0 }
    registerRememberingMetrics(metrics.register, { remembered: 0, read: 0, changed: 0 })
    registerRedisMetrics(metrics.register, { figures, isUp: true }, { kept: true })
    const parts = { log: silentLog, dataFolder, metrics }
    // With the store in Redis, what a fleet does once is in its queue.
    const unused = (): never => expect.unreachable()
    const connection = { prefix: "", client: unused, onChange: unused, command: unused, run: unused, load: unused }
    const fleetJobs: RelayParts["fleetJobs"] = (components) => bullmqJobs({}, { ...components, connection })
    await using _relay = await createRelay(loadConfig(relaySettings, {}), { ...parts, fleetJobs })
    return await metrics.render()
  } finally {
    await rm(dataFolder, { recursive: true })
  }
}

/** Names of the metrics in a text, with their types. */
export function familiesOf(text: string): ReadonlyMap<string, string> {
  return new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = "", type = ""]) => [name, type]))
}
