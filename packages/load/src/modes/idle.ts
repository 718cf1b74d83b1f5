import { setTimeout as delay } from "node:timers/promises"
import { OperatorError } from "@sluice/ops/operator-error"
import type { Link } from "../link.ts"
import { deleteQueues, limitQueues } from "../load-queue.ts"
import { measurePart } from "../measure.ts"
import { inParallel, openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"
import { prepareQueues, subscribeAll } from "./subscribe.ts"

/** Connections that do nothing once they have subscribed. */
export interface IdleOptions extends CommonOptions {
  readonly mode: "idle"
  readonly connections: number
  /** Subscriptions of each connection. */
  readonly subscriptions: number
  /** Time for the server to tidy up before its memory is read, ms. */
  readonly settleMs: number
}

const CONNECTING = 8

/** Measures the memory that connections, and then subscriptions on them, take at the server. */
export async function runIdle(options: IdleOptions): Promise<LoadResult> {
  const { connections, subscriptions, settleMs, pid } = options
  if (pid === undefined)
    throw new OperatorError("--mode idle reads the memory of the server: give its process as --pid")
  limitQueues(connections * subscriptions)
  const owner = await openLink(options)
  const links: Link[] = []
  const settle = (): Promise<void> => delay(settleMs)
  try {
    const queues = await prepareQueues(owner, connections * subscriptions, options)
    await settle()
    const connected = await measurePart(
      { name: "connect", unit: "connection", pid },
      async (recorder) => {
        await inParallel(connections, CONNECTING, async () => {
          const begun = performance.now()
          links.push(await openLink(options))
          recorder.latency("connect").add(performance.now() - begun)
          recorder.done++
        })
      },
      settle,
    )
    const subscribed = await measurePart(
      { name: "subscribe", unit: "subscription", pid },
      async (recorder) => {
        await inParallel(links.length, CONNECTING, (at) => {
          const own = queues.slice(at * subscriptions, (at + 1) * subscriptions)
          return subscribeAll(links[at] as Link, own, recorder)
        })
      },
      settle,
    )
    await deleteQueues(owner, queues)
    const settings = { connections, subscriptions, auth: options.auth }
    return resultOf(options, owner.session.version, settings, [connected, subscribed])
  } finally {
    for (const link of [owner, ...links]) link.close()
  }
}
