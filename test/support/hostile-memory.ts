import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Bytes of objects and buffers that are still reachable, after collecting garbage until nothing more goes away. */
export async function reachableBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (;;) {
    // Finalizers of buffers and sockets run between collections.
    await setImmediate()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    const bytes = heapUsed + external
    if (bytes > least - 4096) return Math.min(bytes, least)
    least = bytes
  }
}

/**
 * Runs `round` some times and gives how much more is reachable after the last one than after the first `warmUp` of them,
 * which may fill caches and pools.
 */
export async function growth(warmUp: number, rounds: number, round: () => Promise<void>): Promise<number> {
  for (let i = 0; i < warmUp; i++) await round()
  const before = await reachableBytes()
  for (let i = 0; i < rounds; i++) await round()
  return (await reachableBytes()) - before
}
