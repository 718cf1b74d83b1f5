import { MemoryHub } from "@sluice/fleet/memory-link"
import type { NodeLink } from "@sluice/fleet/node-link"

/** Joins two nodes in one process, and gives what the second hears of the first. */
export async function sayHello(hello: Uint8Array): Promise<Uint8Array> {
  const hub = new MemoryHub()
  const [a, b]: [NodeLink, NodeLink] = [hub.link("a"), hub.link("b")]
  const heard = Promise.withResolvers<Uint8Array>()
  const handler = {
    received: heard.resolve,
    interrupted: () => console.warn("look into the store again"),
    joined: (node: string) => console.info(`${node} is there`),
    ended: (node: string) => console.info(`${node} is gone`),
    leaseLost: () => console.warn("others believed this node dead"),
  }
  await a.start(handler)
  await b.start(handler)
  await a.publish("b", hello)
  const payload = await heard.promise
  await a.stop()
  await b.stop()
  return payload
}
