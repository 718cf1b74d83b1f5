import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { connectNtf } from "@sluice/ntf-client/connect"
import { SmpClient } from "@sluice/smp-client/client"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import { ApnsStandIn } from "../../packages/push/test/apns-stand-in.ts"
import { LaunchedRelay } from "../relay/launch.ts"
import { Arrivals } from "./arrivals.ts"
import { LaunchedNotifications } from "./launch.ts"

export interface LatencyOptions {
  readonly perSecond: number
  readonly seconds: number
  /** Settings of the notification servers. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Time for which the relay gathers notifications, as a setting. */
  readonly gathering: string
  readonly servers: number
  /** Kills a server, in the middle, that is not started again. */
  readonly kill: boolean
}

export interface Latency {
  readonly sent: number
  readonly arrived: number
  readonly pushes: number
  /** Pushes that brought nothing new. */
  readonly repeated: number
  /** From SEND to the stand-in, milliseconds, in order. */
  readonly times: readonly number[]
}

const QUEUES = 6
/** Longest wait for what is still on its way at the end, ms. */
const PATIENCE = 30_000

/** Sends messages at a steady rate to queues of many devices, and measures until the stand-in has them. */
export async function latency(options: LatencyOptions): Promise<Latency> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-ntf-"))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const arrivals = new Arrivals()
  const stand = await new ApnsStandIn().start()
  stack.defer(() => stand[Symbol.asyncDispose]())
  stand.responder = (push) => {
    arrivals.add(push)
    return { status: 200 }
  }
  const relay = stack.use(
    await LaunchedRelay.start({
      settings: { "relay.notification_interval": options.gathering, "relay.message_quota": 10_000 },
    }),
  )
  const apns = { ...stand.credentials, origin: stand.origin, ca: stand.ca }
  const servers: LaunchedNotifications[] = []
  for (let i = 0; i < options.servers; i++) {
    servers.push(stack.use(await LaunchedNotifications.start(folder, options.settings, apns)))
  }
  const { hosts, port, keyHash } = relay.address
  const client = stack.use(new SmpClient({ hosts, port, keyHash }))
  const queues = await subscribe(client, servers, arrivals, options.perSecond)
  const sentAt = new Map<string, number[]>()
  const total = options.perSecond * options.seconds
  const began = performance.now()
  const sending: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const due = began + (i * 1000) / options.perSecond
    const wait = due - performance.now()
    if (wait > 0) await delay(wait)
    if (options.kill && i === Math.floor(total / 2)) await servers[0]?.kill()
    const queue = queues[i % queues.length] as CreatedQueue
    const id = toHex(queue.notifier?.notifierId ?? utf8(""))
    const times = sentAt.get(id) ?? []
    times.push(performance.now())
    sentAt.set(id, times)
    sending.push(client.sendMessage(queue, utf8("x"), { notify: true }).then(() => undefined))
  }
  await Promise.all(sending)
  const deadline = performance.now() + PATIENCE
  while (arrivals.messages < total && performance.now() < deadline) await delay(20)
  const times = [...arrivals.times].flatMap(([id, some]) => {
    const sent = sentAt.get(id) ?? []
    // What is lost shifts the turns of a queue, so its times mean nothing then.
    return some.length === sent.length ? some.map((at, turn) => at - (sent[turn] ?? Number.NaN)) : []
  })
  return {
    sent: total,
    arrived: arrivals.messages,
    pushes: arrivals.pushes,
    repeated: arrivals.repeated,
    times: times.toSorted((a, b) => a - b),
  }
}

/** Registers devices at the servers in turn, with queues each, and waits until the relay knows of all. */
async function subscribe(
  client: SmpClient,
  servers: readonly LaunchedNotifications[],
  arrivals: Arrivals,
  devices: number,
): Promise<CreatedQueue[]> {
  const connections = await Promise.all(servers.map(({ address }) => connectNtf(address)))
  const queues: CreatedQueue[] = []
  const { hosts, port, keyHash } = client.server
  const waiting: (() => Promise<boolean>)[] = []
  for (let i = 0; i < devices; i++) {
    const connection = connections[i % connections.length]
    if (connection === undefined) throw new Error("no server")
    const token = i.toString(16).padStart(64, "0")
    const keys = connection.registrationKeys()
    const registered = await connection.registerToken({ provider: "AP", token: utf8(token) }, keys)
    arrivals.secrets.set(token, registered.secret)
    // The push may have come before the secret was known, so it is asked for again.
    await connection.registerToken({ provider: "AP", token: utf8(token) }, keys)
    while (arrivals.codes.get(token) === undefined) await delay(2)
    const access = { tokenId: registered.tokenId, key: keys.authKeys.privateKey }
    await connection.verifyToken(access, arrivals.codes.get(token) ?? utf8(""))
    for (let j = 0; j < QUEUES; j++) {
      const queue = await client.createQueue({ subscribe: false, notifier: true })
      if (queue.notifier === undefined) throw new Error("no notifier")
      const { notifierId, notifierKey, dhSecret } = queue.notifier
      arrivals.queues.set(toHex(notifierId), dhSecret)
      const id = await connection.subscribe(access, {
        queue: { server: { hosts, port, keyHash }, notifierId },
        notifierKey,
      })
      waiting.push(async () => (await connection.checkSubscription(id, access.key)).type === "ACTIVE")
      queues.push(queue)
    }
  }
  for (const active of waiting) while (!(await active())) await delay(20)
  await Promise.all(connections.map((connection) => connection.close()))
  return queues
}
