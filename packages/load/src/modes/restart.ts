import { setTimeout as delay } from "node:timers/promises"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { TransportError } from "@sluice/transport/errors"
import { failureOf, type Link } from "../link.ts"
import { deleteQueues, type LoadQueue, limitQueues, recipientCommand } from "../load-queue.ts"
import { measurePart } from "../measure.ts"
import { directSender } from "../message-sender.ts"
import { openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import type { Recorder } from "../recorder.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"
import { prepareQueues } from "./subscribe.ts"

/** The server is stopped and started again, with queues and a message in its store. */
export interface RestartOptions extends CommonOptions {
  readonly mode: "restart"
  /** Queues that are created before, beside whatever the server has already. */
  readonly count: number
  /** Stops the server, waits until it is gone, and starts it again; resolves when its new process was started. */
  readonly restart: () => Promise<void>
}

const RETRY_MS = 2
const BODY = new Uint8Array(16_048).fill(0x73)

/**
 * Measures the time from the start of the server's process to the first message that it delivers, which was sent before.
 * The time to stop is not in it.
 */
export async function runRestart(options: RestartOptions): Promise<LoadResult> {
  const { count, auth, timeoutMs, restart } = options
  limitQueues(count)
  const owner = await openLink(options)
  const queues = await prepareQueues(owner, Math.max(1, count), options)
  const queue = queues[0] as LoadQueue
  await sendOne(queue, options)
  owner.close()
  let recipient: Link | undefined
  try {
    const part = await measurePart({ name: "restart", unit: "restart" }, async (recorder) => {
      await restart()
      const started = performance.now()
      recipient = await connectAgain(options, started + timeoutMs)
      recorder.latency("start→connected").add(performance.now() - started)
      await firstMessage(recipient, queue, recorder)
      recorder.latency("start→MSG").add(performance.now() - started)
    })
    if (recipient !== undefined) await deleteQueues(recipient, queues)
    return resultOf(options, recipient?.session.version ?? 0, { count, auth }, [part])
  } finally {
    recipient?.close()
  }
}

async function sendOne({ senderId }: LoadQueue, options: RestartOptions): Promise<void> {
  const sender = await directSender(options, { senderId, auth: options.auth, body: BODY })
  await new Promise<void>((resolve, reject) => {
    sender.send((answer) => {
      const error = failureOf("SEND", answer)
      if (error === undefined) resolve()
      else reject(error)
    })
  })
  sender.close()
}

/** Tries until the server takes connections. Rejects with the last failure when it takes too long. */
async function connectAgain(options: RestartOptions, until: number): Promise<Link> {
  for (;;) {
    try {
      return await openLink(options)
    } catch (error) {
      if (!(error instanceof TransportError) || performance.now() > until) throw error
    }
    await delay(RETRY_MS)
  }
}

/** Subscribes and waits for the message. From v20 it follows the answer, before that it is the answer. */
function firstMessage(link: Link, queue: LoadQueue, recorder: Recorder): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      recorder.done++
      resolve()
    }
    const failed = (error: SmpClientError): void => {
      recorder.failed(error)
      resolve()
    }
    link.listen(
      ({ tag }) => {
        if (tag === "MSG") done()
      },
      () => failed(new SmpClientError({ code: "LOST" })),
    )
    link.ask(recipientCommand(link, queue, "SUB"), (answer) => {
      const error = failureOf("SUB", answer)
      if (error !== undefined) failed(error)
      else if (!(answer instanceof SmpClientError) && answer.tag === "MSG") done()
    })
  })
}
