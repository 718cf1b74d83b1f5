// What others do to the latency of a queue's messages: `npm run bench:interference`, about four minutes. Traffic at half of
// the maximum is measured by a process of its own; beside it a second one sends to recipients that read, to one that does
// not, or to full queues, or makes a reconnect storm.
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Link } from "@sluice/load/link"
import { type LoadQueue, recipientCommand } from "@sluice/load/load-queue"
import { directSender, type MessageSender } from "@sluice/load/message-sender"
import type { MessagesOptions } from "@sluice/load/modes/messages"
import { prepareQueues } from "@sluice/load/modes/subscribe"
import { openLink } from "@sluice/load/open-link"
import type { LoadReport, PartReport } from "@sluice/load/report"
import type { LoadOptions } from "@sluice/load/run"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import { LaunchedRelay } from "./launch.ts"
import { conditions, median, row } from "./medians.ts"

const COMMON = { version: 20, timeoutMs: 30_000, auth: "x25519" } as const
const BODY = new Uint8Array(16_048).fill(7)
const ROUNDS = Number(process.argv[2] ?? 5)
const SECONDS = 6
/** Traffic beside a storm: how long it lasts, and when it has begun for sure, after its own connections and warm-up. */
const STORM_TRAFFIC_MS = 3000
const TRAFFIC_BEGINS_MS = 2200
/** Queues that the second process sends to, in turn, and how often. */
const OTHERS = 64
const OTHERS_EVERY_MS = 20
const KINDS = ["reading", "paused", "full"] as const
type Kind = (typeof KINDS)[number]

await using relay = await LaunchedRelay.start()
const traffic: Omit<MessagesOptions, "rate"> = {
  ...COMMON,
  ...{ mode: "messages", server: relay.address, pairs: 32, window: 32, warmUp: 50 },
  ...{ bodyLength: BODY.length, count: Number.POSITIVE_INFINITY, durationMs: SECONDS * 1000 },
}
console.log(`${conditions()}\n`)
const most = (await measured({ ...traffic, window: 1 })).perSecond
const rate = Math.round(most / 2)
console.log(`${most.toFixed(0)} messages per second at the most; the figures are for ${rate}\n`)

const found = new Map<string, number[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const kind of KINDS) note(`SEND→MSG p99, others ${kind}, ms`, await besideOthers(kind))
  const storm = await besideStorm()
  note("SEND→MSG p99 beside a reconnect storm, ms", storm.p99)
  note("reconnect storm beside that traffic, s", storm.seconds)
}
console.log("| figure | median | rounds |\n|---|---|---|")
for (const [name, values] of found) console.log(row(name, values))
const [reading, paused, full] = KINDS.map((kind) => median(found.get(`SEND→MSG p99, others ${kind}, ms`) ?? []))
const more = (value = Number.NaN): string => `${((value / (reading ?? Number.NaN) - 1) * 100).toFixed(0)} %`
console.log(`\np99 changes by ${more(paused)} with a paused recipient, by ${more(full)} with full queues`)

function note(name: string, value: number): void {
  const values = found.get(name) ?? []
  values.push(value)
  found.set(name, values)
}

async function besideOthers(kind: Kind): Promise<number> {
  const others = await openOthers(kind)
  try {
    return p99(await measured({ ...traffic, rate }))
  } finally {
    others.close()
  }
}

/** 10,000 subscriptions on 100 new connections, while traffic goes on that lasts little longer than the storm. */
async function besideStorm(): Promise<{ readonly p99: number; readonly seconds: number }> {
  const storm: LoadOptions = {
    ...COMMON,
    mode: "subscribe",
    server: relay.address,
    subscriptions: 10_000,
    connections: 100,
  }
  const storming = generator(storm)
  await said(storming, "prepared")
  const part = measured({ ...traffic, rate, durationMs: STORM_TRAFFIC_MS })
  await delay(TRAFFIC_BEGINS_MS)
  storming.send("go")
  await said(storming, "measured")
  const beside = await part
  storming.send("clean up")
  return { p99: p99(beside), seconds: (await reportOf(storming)).seconds }
}

function p99(part: PartReport): number {
  return part.latencies["SEND→MSG"]?.p99 ?? Number.NaN
}

function measured(options: LoadOptions): Promise<PartReport> {
  return reportOf(generator(options))
}

function generator(options: LoadOptions): ChildProcess {
  const child = fork(join(import.meta.dirname, "load-process.ts"))
  child.send(options)
  return child
}

async function said(child: ChildProcess, stage: string): Promise<void> {
  const [message] = await once(child, "message")
  if (message !== stage) throw new Error(JSON.stringify(message))
}

async function reportOf(child: ChildProcess): Promise<PartReport> {
  const [report] = (await once(child, "message")) as [LoadReport]
  const [part] = report.parts
  if (part === undefined || Object.keys(part.errors).length > 0) throw new Error(JSON.stringify(part?.errors))
  return part
}

/** Sends to queues whose recipient reads and acknowledges, does not read, or is not there and has a full queue. */
async function openOthers(kind: Kind): Promise<{ close(): void }> {
  const options = { ...COMMON, mode: "messages", server: relay.address } as const
  const recipient = await openLink(options)
  const queues = await prepareQueues(recipient, OTHERS, options)
  if (kind !== "full") await subscribe(recipient, queues, kind)
  const senders: MessageSender[] = []
  for (const { senderId } of queues) senders.push(await directSender(options, { senderId, auth: "x25519", body: BODY }))
  if (kind === "full") await Promise.all(senders.map(fill))
  let next = 0
  const timer = setInterval(() => senders[next++ % OTHERS]?.send(() => undefined), OTHERS_EVERY_MS)
  await delay(500)
  return {
    close() {
      clearInterval(timer)
      for (const link of [recipient, ...senders]) link.close()
    },
  }
}

async function subscribe(link: Link, queues: readonly LoadQueue[], kind: Kind): Promise<void> {
  const byId = new Map(queues.map((queue) => [Buffer.from(queue.recipientId).toString("hex"), queue]))
  link.listen(
    (message, entityId) => {
      const queue = byId.get(Buffer.from(entityId).toString("hex"))
      if (message.tag !== "MSG" || queue === undefined) return
      link.ask(
        { ...recipientCommand(link, queue, "SUB"), tag: "ACK", command: acknowledgement(message.msgId) },
        () => undefined,
      )
    },
    () => undefined,
  )
  await link.requestAll(queues.map((queue) => recipientCommand(link, queue, "SUB")))
  if (kind === "paused") link.pause()
}

function acknowledgement(msgId: Uint8Array): Uint8Array {
  return encodeCommand({ tag: "ACK", msgId }, COMMON.version)
}

/** Sends until the queue takes no more. */
function fill(sender: MessageSender): Promise<void> {
  return new Promise((resolve, reject) => {
    const more = (): void =>
      sender.send((answer) => {
        if (answer instanceof Error) reject(answer)
        else if (answer.tag === "OK") more()
        else resolve()
      })
    more()
  })
}
