import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { expect, test } from "vitest"
import { TOPOLOGIES } from "../chaos/topologies.ts"
import { Traffic } from "../chaos/traffic.ts"
import { totals } from "../support/kill-ledger.ts"
import { seededRandom } from "../support/seeded-random.ts"

const HAS_REDIS = spawnSync("redis-server", ["--version"]).status === 0

/**
 * An update of all nodes, one after the other, under load: nothing is lost or repeated, and each client has to come back at
 * the most once for each node that it was on, so once per restart at the most.
 */
test.each(["workers", "redis", "cluster"] as const)(
  "all nodes of a fleet are restarted: %s",
  { timeout: 120_000 },
  async (name) => {
    if (name !== "workers" && !HAS_REDIS) return
    const folder = await mkdtemp(join(tmpdir(), "sluice-rolling-"))
    const now = Math.floor(Date.now() / 1000)
    await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), { host: "localhost", now })
    try {
      await using topology = await TOPOLOGIES[name](folder)
      const { fleet } = topology
      const random = seededRandom(1)
      await using traffic = await Traffic.start({ address: fleet.address, queues: 100, clients: 20, pace: 300, random })
      traffic.begin()
      for (let node = 0; node < fleet.size; node++) {
        await wait(500)
        await fleet.stop(node)
        await fleet.start(node)
      }
      await wait(500)
      const connections = traffic.connectionsOfEach
      await traffic.finish()
      const counts = totals(traffic.ledgers)
      console.log(
        `rolling restart: ${JSON.stringify({ topology: name, connections: Math.max(...connections), ...counts })}`,
      )
      expect([...traffic.violations, ...traffic.ledgers.flatMap(({ violations }) => violations)]).toEqual([])
      expect(counts.answeredOk).toBeGreaterThan(300)
      expect(Math.max(...connections)).toBeLessThanOrEqual(1 + fleet.size)
      // Everybody was on some node, and all nodes were restarted.
      expect(Math.min(...connections)).toBeGreaterThanOrEqual(2)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
