import { MemoryHub } from "../src/memory-link.ts"
import { linkContract } from "./contract.ts"

linkContract("memory", () => {
  const hub = new MemoryHub()
  return Promise.resolve({
    link: (node) => hub.link(node),
    kill: async (node) => hub.kill(node),
    interrupt: async (node) => {
      hub.cut(node)
      hub.heal(node)
    },
    stall: async (node) => {
      hub.pause(node)
      await Promise.resolve()
      hub.resume(node)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })
})
