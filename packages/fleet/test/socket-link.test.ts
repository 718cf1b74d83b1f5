import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { systemClock } from "@sluice/ops/clock"
import { expect, it } from "vitest"
import { LinkError, type LinkHandler } from "../src/node-link.ts"
import { openSocketHub } from "../src/socket-hub.ts"
import { socketLink } from "../src/socket-link.ts"
import { linkContract } from "./contract.ts"
import { StoppableClock } from "./stoppable-clock.ts"

const LEASE = 200

linkContract("socket", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fleet-"))
  const path = join(folder, "hub")
  const hub = await openSocketHub({ path, lease: LEASE }, { clock: systemClock })
  const clocks = new Map<string, StoppableClock>()
  /** One socket between each node and the hub, which the test can cut. */
  const cables = new Map<string, { readonly sockets: Set<Socket>; plugged: boolean; close(): void }>()

  return {
    link(node) {
      const clock = new StoppableClock()
      clocks.set(node, clock)
      const own = join(folder, node)
      const cable = { sockets: new Set<Socket>(), plugged: true, close: () => server.close() }
      const server = createServer((near) => {
        const far = connect(path)
        for (const [one, other] of [
          [near, far],
          [far, near],
        ] as const) {
          cable.sockets.add(one)
          one.on("error", () => undefined)
          one.on("close", () => {
            cable.sockets.delete(one)
            other.destroy()
          })
          one.pipe(other)
        }
        if (!cable.plugged) near.destroy()
      }).listen(own)
      cables.set(node, cable)
      return socketLink({ path: own, lease: LEASE })({ node, clock })
    },
    async kill(node) {
      const cable = cables.get(node)
      if (cable !== undefined) cable.plugged = false
      for (const socket of cable?.sockets ?? []) socket.destroy()
    },
    async interrupt(node) {
      for (const socket of cables.get(node)?.sockets ?? []) socket.destroy()
    },
    async stall(node) {
      clocks.get(node)?.stop()
      while (hub.nodes.includes(node)) await delay(5)
      clocks.get(node)?.goOn()
    },
    async [Symbol.asyncDispose]() {
      for (const cable of cables.values()) {
        cable.close()
        for (const socket of cable.sockets) socket.destroy()
      }
      await hub.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
})

const quiet: LinkHandler = {
  received: () => undefined,
  interrupted: () => undefined,
  joined: () => undefined,
  ended: () => undefined,
  leaseLost: () => undefined,
}

it("does not start without a hub", async () => {
  const link = socketLink({ path: join(tmpdir(), "no-hub-here") })({ node: "a", clock: systemClock })
  await expect(link.start(quiet)).rejects.toThrow(LinkError)
  await expect(link.publish("b", new Uint8Array(1))).rejects.toThrow(LinkError)
})

it("cuts off who does not speak its language", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fleet-"))
  await using hub = await openSocketHub({ path: join(folder, "hub") }, { clock: systemClock })
  for (const bytes of [
    [0, 0, 0, 0],
    [0xff, 0xff, 0xff, 0xff],
    [0, 0, 0, 1, 99],
    [0, 0, 0, 2, 1, 9],
    [0, 0, 0, 1, 2],
    [0, 0, 0, 3, 1, 1, 0x41, 0, 0, 0, 3, 1, 1, 0x42],
  ]) {
    const socket = connect(join(folder, "hub"))
    const closed = Promise.withResolvers<void>()
    socket.on("error", () => undefined)
    socket.on("close", () => closed.resolve())
    socket.resume()
    socket.write(new Uint8Array(bytes))
    await closed.promise
  }
  expect(hub.nodes).toEqual([])
  await rm(folder, { recursive: true, force: true })
})
