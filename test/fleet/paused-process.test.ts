import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes } from "@sluice/encoding/bytes"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { expect, test, vi } from "vitest"
import { TOPOLOGIES } from "../chaos/topologies.ts"
import { createQueue, NO_MSG, OK } from "../support/queue.ts"
import { connectRaw, type RawClient, type Received } from "../support/raw-client.ts"
import { ack, delivered, receive, secureAsSender, sendTo, subWithMessage, take } from "../support/steps.ts"

const HAS_REDIS = spawnSync("redis-server", ["--version"]).status === 0

/**
 * A process that is stopped (SIGSTOP) until its lease is over, and continued, with real signals, leases and channels: it
 * finds out which subscriptions it lost, tells END for these, and neither delivers nor acknowledges anything for them.
 */
test.each(["workers", "redis", "cluster"] as const)(
  "a node that was stopped beyond its lease: %s",
  { timeout: 60_000 },
  async (name) => {
    if (name !== "workers" && !HAS_REDIS) return
    const folder = await mkdtemp(join(tmpdir(), "sluice-paused-"))
    const now = Math.floor(Date.now() / 1000)
    await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), { host: "localhost", now })
    const clients: RawClient[] = []
    try {
      await using topology = await TOPOLOGIES[name](folder, { ownPorts: true })
      const { fleet } = topology
      const connectTo = async (index: number): Promise<RawClient> => {
        const { keyHash } = fleet
        const client = await connectRaw({ host: "127.0.0.1", port: fleet.port(index), keyHash, now })
        clients.push(client)
        return client
      }
      const [r, s, other] = [await connectTo(0), await connectTo(1), await connectTo(2)]
      const [moved, kept] = [await createQueue(r), await createQueue(r)]
      for (const queue of [moved, kept]) await secureAsSender(s, queue)
      expect(await sendTo(s, moved, "1")).toEqual(OK)
      expect((await receive(r, moved)).text).toBe("1")

      fleet.pause(0)
      const { first } = await subWithMessage(other, moved)
      expect(await sendTo(s, moved, "2")).toEqual(OK)
      const second = delivered(moved, await ack(other, moved, first))
      expect(await sendTo(s, kept, "kept")).toEqual(OK)
      // It waits in the socket: the first that the node reads, when it does not know anything yet.
      const [corrId] = r.send({ command: { tag: "ACK", msgId: second.id }, ...moved.asRecipient })
      await vi.waitFor(async () => expect(await fleet.metrics(1)).toMatch(/^sluice_fleet_nodes 2$/m), 15_000)
      fleet.resume(0)

      const came: Received[] = []
      while (came.length < 3) came.push(...(await r.block()))
      const answer = came.find((one) => corrId !== undefined && equalBytes(one.corrId, corrId))
      expect(answer?.message).toEqual(NO_MSG)
      const events = came.filter((one) => one !== answer)
      const of = (id: Uint8Array) => events.filter(({ entityId }) => equalBytes(entityId, id))
      expect(of(moved.ids.recipientId).map(({ message }) => message)).toEqual([{ tag: "END" }])
      const pushed = of(kept.ids.recipientId).map(({ message }) => delivered(kept, message))
      expect(pushed.map(({ text }) => text)).toEqual(["kept"])
      for (const message of pushed) expect(await ack(r, kept, message)).toEqual(OK)
      await r.quiet()

      // The second message was not acknowledged on behalf of who has the subscription, who goes on.
      const again = await connectTo(1)
      const { first: head } = await subWithMessage(again, moved)
      expect(head.text).toBe("2")
      expect(await ack(again, moved, head)).toEqual(OK)
      expect(await sendTo(s, moved, "3")).toEqual(OK)
      await take(again, moved, "3")
      await vi.waitFor(async () => expect(await fleet.metrics(1)).toMatch(/^sluice_fleet_nodes 3$/m), 15_000)
      expect(await sendTo(s, kept, "back")).toEqual(OK)
      await take(r, kept, "back")
      await r.quiet()
    } finally {
      for (const client of clients) client.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
)
