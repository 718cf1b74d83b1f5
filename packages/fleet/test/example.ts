import { MemoryHub } from "@sluice/fleet/memory-link"
import type { NodeLink } from "@sluice/fleet/node-link"

/** Joins two nodes in one process, and gives what the second hears of the first. */
export async function sayHello(hello: Uint8Array): Promise<Uint8Array> {
  const hub = new MemoryHub()
  const [a, b]: [NodeLink, NodeLink] = [hub.link("a"), hub.link("b")]
  const quiet = { interrupted() {}, joined() {}, ended() {}, leaseLost() {} }
  const heard = Promise.withResolvers<Uint8Array>()
  await a.start({ ...quiet, received() {} })
  await b.start({ ...quiet, received: heard.resolve })
  await a.publish("b", hello)
  const payload = await heard.promise
  await a.stop()
  await b.stop()
  return payload
}
