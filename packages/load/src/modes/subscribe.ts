import { failureOf, type Link } from "../link.ts"
import { createQueues, deleteQueues, type LoadQueue, limitQueues, queueKeys, recipientCommand } from "../load-queue.ts"
import { measurePart } from "../measure.ts"
import { inParallel, openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import type { Recorder } from "../recorder.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"

/** All recipients come back at once, as after a restart of the server or the network. */
export interface SubscribeOptions extends CommonOptions {
  readonly mode: "subscribe"
  readonly subscriptions: number
  /** New connections that they are spread over, all made at the same time. */
  readonly connections: number
  /** Awaited when the queues are there, and when all was measured, before they are deleted: who measures others waits here. */
  readonly pause?: (stage: "prepared" | "measured") => Promise<void>
}

/** `NEW` commands in one block while a run is prepared. */
const PER_BLOCK = 50

/** Measures a reconnect storm: connections and all subscriptions, from the first `connect` to the last answer. */
export async function runSubscribe(options: SubscribeOptions): Promise<LoadResult> {
  const { subscriptions, connections, pid } = options
  limitQueues(subscriptions)
  const owner = await openLink(options)
  const links: Link[] = []
  try {
    const queues = await prepareQueues(owner, subscriptions, options)
    const shares = shared(queues, connections)
    await options.pause?.("prepared")
    const part = await measurePart({ name: "storm", unit: "subscription", pid }, async (recorder) => {
      await Promise.all(
        shares.map(async (share) => {
          const link = await connectAndSubscribe(share, options, recorder)
          if (link !== undefined) links.push(link)
        }),
      )
    })
    await options.pause?.("measured")
    await deleteQueues(owner, queues)
    return resultOf(options, owner.session.version, { subscriptions, connections, auth: options.auth }, [part])
  } finally {
    for (const link of [owner, ...links]) link.close()
  }
}

/** Queues with keys of their own. Rejects as `Link.requestAll` does. */
export async function prepareQueues(link: Link, count: number, { auth, server }: CommonOptions): Promise<LoadQueue[]> {
  const batches = await inParallel(Math.ceil(count / PER_BLOCK), 1, (at) => {
    const length = Math.min(PER_BLOCK, count - at * PER_BLOCK)
    return createQueues(
      link,
      Array.from({ length }, () => queueKeys(auth)),
      server.password,
    )
  })
  return batches.flat()
}

/** Subscribes to all queues over one link, in full blocks; counts each answer. */
export function subscribeAll(link: Link, queues: readonly LoadQueue[], recorder: Recorder): Promise<void> {
  return new Promise((resolve) => {
    const latency = recorder.latency("SUB→SOK")
    const begun = performance.now()
    let left = queues.length
    if (left === 0) resolve()
    link.askAll(
      queues.map((queue) => recipientCommand(link, queue, "SUB")),
      (answer) => {
        const error = failureOf("SUB", answer)
        if (error === undefined) {
          latency.add(performance.now() - begun)
          recorder.done++
        } else {
          recorder.failed(error)
        }
        if (--left === 0) resolve()
      },
    )
  })
}

async function connectAndSubscribe(
  queues: readonly LoadQueue[],
  options: SubscribeOptions,
  recorder: Recorder,
): Promise<Link | undefined> {
  const begun = performance.now()
  try {
    const link = await openLink(options)
    recorder.latency("connect").add(performance.now() - begun)
    await subscribeAll(link, queues, recorder)
    return link
  } catch (error) {
    recorder.failed(error)
    return undefined
  }
}

function shared<T>(items: readonly T[], ways: number): T[][] {
  const shares: T[][] = Array.from({ length: ways }, () => [])
  items.forEach((item, at) => {
    shares[at % ways]?.push(item)
  })
  return shares
}
