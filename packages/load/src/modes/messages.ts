import type { ServerAddress } from "@sluice/encoding/server-address"
import { createdQueue, deleteQueues, newCommand, queueKeys } from "../load-queue.ts"
import { measurePart } from "../measure.ts"
import { directSender, proxiedSender } from "../message-sender.ts"
import { inParallel, openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import { Pair } from "../pair.ts"
import { Recorder } from "../recorder.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"
import { traffic } from "../traffic.ts"

/** Senders, and recipients that acknowledge what they get. */
export interface MessagesOptions extends CommonOptions {
  readonly mode: "messages"
  /** Pairs of a sender and a recipient, each with a connection of its own. */
  readonly pairs: number
  /** Messages of a pair that are on their way at the same time. */
  readonly window: number
  /** Bytes of a message. */
  readonly bodyLength: number
  readonly count: number
  readonly durationMs: number
  /** Messages per second; absent: as many as the server takes. */
  readonly rate?: number | undefined
  /** Senders go through this server. */
  readonly proxy?: ServerAddress | undefined
  /** Messages of each pair before the measurement begins. */
  readonly warmUp: number
  /** Awaited right before and after the measured part, while connections and queues stay as they are. */
  readonly measuring?: { begin(): Promise<void>; end(): Promise<void> } | undefined
}

/** Connections that are made at a time while a run is prepared. */
const CONNECTING = 8

/** Measures messages from `SEND` to the answer to their `ACK`. */
export async function runMessages(options: MessagesOptions): Promise<LoadResult> {
  const body = new Uint8Array(options.bodyLength).fill(0x73)
  const pairs = await inParallel(options.pairs, CONNECTING, () => openPair(options, body))
  try {
    const { window, count, durationMs, rate, timeoutMs, pid, warmUp, measuring } = options
    const whole = { count: warmUp * pairs.length, durationMs: Number.POSITIVE_INFINITY }
    await traffic(pairs, { window, timeoutMs, ...whole }, new Recorder())
    await measuring?.begin()
    const part = await measurePart({ name: "messages", unit: "message", pid }, (recorder) =>
      traffic(pairs, { window, count, durationMs, rate, timeoutMs }, recorder),
    )
    await measuring?.end()
    for (const pair of pairs) if (!pair.broken) await deleteQueues(pair.recipient, [pair.queue])
    const version = pairs[0]?.recipient.session.version ?? 0
    const settings = {
      ...{ pairs: pairs.length, window, bodyLength: body.length, auth: options.auth },
      ...(rate !== undefined && { rate }),
      proxied: options.proxy !== undefined,
    }
    return resultOf(options, version, settings, [part])
  } finally {
    for (const pair of pairs) pair.close()
  }
}

async function openPair(options: MessagesOptions, body: Uint8Array): Promise<Pair> {
  const { auth, proxy, server } = options
  const recipient = await openLink(options)
  const keys = queueKeys(auth)
  const answer = await recipient.request(newCommand(recipient, keys, server.password, "subscribe"))
  const queue = createdQueue(keys, answer)
  const end = { senderId: queue.senderId, auth, body }
  const sender = proxy === undefined ? await directSender(options, end) : await proxiedSender(proxy, options, end)
  return new Pair(recipient, queue, sender, body)
}
