import type { Link } from "../link.ts"
import {
  createdQueue,
  deleteQueues,
  type LoadQueue,
  limitQueues,
  newCommand,
  type QueueKeys,
  queueKeys,
} from "../load-queue.ts"
import { measurePart } from "../measure.ts"
import { inParallel, openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import type { Recorder } from "../recorder.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"

/** Creation of queues. */
export interface QueuesOptions extends CommonOptions {
  readonly mode: "queues"
  readonly count: number
  /** `NEW` commands in one block. */
  readonly perBlock: number
  /** Connections that create at the same time. */
  readonly connections: number
  /** Leave the queues on the server. */
  readonly keep: boolean
}

/** Measures the creation of queues; each connection waits for the answers to one block before it sends the next. */
export async function runQueues(options: QueuesOptions): Promise<LoadResult> {
  const { count, perBlock, connections, pid, keep } = options
  limitQueues(count)
  const links = await inParallel(connections, connections, () => openLink(options))
  try {
    // Made beforehand: they cost the client as much as the queue costs the server.
    const blocks = blocksOf(count, perBlock, () => queueKeys(options.auth))
    const created: LoadQueue[][] = links.map(() => [])
    const part = await measurePart({ name: "create", unit: "queue", pid }, async (recorder) => {
      await Promise.all(links.map((link, at) => createOn(link, blocks, created[at] ?? [], options, recorder)))
    })
    if (!keep) await Promise.all(links.map((link, at) => deleteQueues(link, created[at] ?? [])))
    const settings = { count, perBlock, connections, auth: options.auth, kept: keep }
    return resultOf(options, links[0]?.session.version ?? 0, settings, [part])
  } finally {
    for (const link of links) link.close()
  }
}

/** Takes blocks from the common list until there are no more. */
async function createOn(
  link: Link,
  blocks: QueueKeys[][],
  created: LoadQueue[],
  { server }: QueuesOptions,
  recorder: Recorder,
): Promise<void> {
  const latency = recorder.latency("block of NEW→IDS")
  try {
    for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
      const keys = block
      const commands = keys.map((each) => newCommand(link, each, server.password, "create-only"))
      const begun = performance.now()
      const answers = await link.requestAll(commands)
      latency.add(performance.now() - begun)
      recorder.done += answers.length
      answers.forEach((answer, at) => {
        created.push(createdQueue(keys[at] as QueueKeys, answer))
      })
    }
  } catch (error) {
    recorder.failed(error)
  }
}

function blocksOf<T>(count: number, perBlock: number, make: () => T): T[][] {
  const blocks: T[][] = []
  for (let left = count; left > 0; left -= perBlock) blocks.push(Array.from({ length: Math.min(perBlock, left) }, make))
  return blocks
}
