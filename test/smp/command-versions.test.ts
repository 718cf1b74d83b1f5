import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { EMPTY, utf8 } from "@sluice/encoding/bytes"
import { COMMANDS } from "@sluice/smp-protocol/commands/table"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { destinationOf, Envelope, forward } from "../support/proxied.ts"
import { authKeys, createQueue, newQueue, OK, type TestQueue } from "../support/queue.ts"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { connectService, countersOf, selfSigned } from "../support/services.ts"
import { addNotifier, message, receive, sendTo, sub } from "../support/steps.ts"
import { SINCE, versionsFrom } from "../support/versions.ts"

/**
 * Every command at every version where it exists, once, and successfully; the last test prints what was answered. That
 * the answers are right in all their details is what the other files test.
 */
interface Column {
  readonly title: string
  readonly v: number
  readonly alpn: boolean
}

const COLUMNS: readonly Column[] = [
  { title: "6*", v: 6, alpn: false },
  ...versionsFrom().map((v) => ({ title: `${v}`, v, alpn: true })),
]
const TAGS = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]

const RECORD: NameRecord = {
  ...{ name: "alice.simplex", nickname: "Alice", website: "", location: "", simplexContact: [], simplexChannel: [] },
  ...{ eth: null, btc: null, xmr: null, dot: null, owner: "", resolver: "" },
}

let relay: TestRelay
let resolver: Server
beforeAll(async () => {
  resolver = createServer((_, response) => response.end(JSON.stringify(RECORD)))
  await new Promise<void>((resolve) => resolver.listen(0, "127.0.0.1", resolve))
  const { port } = resolver.address() as AddressInfo
  const settings = {
    "proxy.allow_private": true,
    "names.enabled": true,
    "names.endpoint": `http://127.0.0.1:${port}/`,
  }
  relay = await TestRelay.start({ settings })
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await new Promise((resolve) => resolver.close(resolve))
})

const answered = new Map<string, string>()

describe.each(COLUMNS)("version $title", ({ title, v, alpn }) => {
  let r: RawClient
  let s: RawClient
  beforeAll(async () => {
    r = await connect()
    s = await connect()
  })
  const connect = (): Promise<RawClient> => relay.connect({ versions: v, ...(!alpn && { alpn: false }) })

  test.each(TAGS.filter((tag) => v >= (SINCE[tag] ?? 0)))("%s", async (tag) => {
    const answer = await EXCHANGES[tag]({ r, s, connect })
    answered.set(`${tag} ${title}`, answer.tag)
    if (answer.tag === "ERR") throw new Error(`${tag} was answered with ${JSON.stringify(answer.error)}`)
  })
})

interface World {
  readonly r: RawClient
  readonly s: RawClient
  readonly connect: () => Promise<RawClient>
}

const DATA = { fixed: utf8("fixed"), user: utf8("user") }

/** A queue that its maker is not subscribed to. */
function idle(r: RawClient, mode: "messaging" | "contact" = "messaging"): Promise<TestQueue> {
  return createQueue(r, { mode, subscription: "create-only" })
}

/** A contact queue with a link. */
async function linked(r: RawClient, mode: "messaging" | "contact"): Promise<{ queue: TestQueue; linkId: Uint8Array }> {
  const queue = await createQueue(r, { mode, link: DATA, subscription: "create-only" })
  const { linkId } = queue.ids
  if (linkId === undefined) throw new Error("a queue without link")
  return { queue, linkId }
}

async function viaProxy({ s }: World, then: (pkey: BrokerMessage) => Promise<BrokerMessage>): Promise<BrokerMessage> {
  const keyHash = relay.relay.fingerprint
  return then(await s.ask({ tag: "PRXY", server: { hosts: ["127.0.0.1"], port: `${relay.port}`, keyHash } }))
}

const EXCHANGES: { readonly [T in keyof typeof COMMANDS]: (world: World) => Promise<BrokerMessage> } = {
  NEW: async ({ r }) => {
    const { command, keys, corrId } = newQueue()
    return r.ask(command, { key: keys.privateKey, corrId })
  },
  SUB: async ({ r }) => sub(r, await idle(r)),
  SUBS: async ({ r }) => {
    const service = selfSigned("M")
    const client = await connectService(relay, service, r.version)
    const queue = await createQueue(client)
    const again = await connectService(relay, service, r.version)
    again.send({ command: { tag: "SUBS", expected: countersOf(queue.ids.recipientId) }, entity: again.serviceId })
    const answers = (await again.blocks(2)).flat().map(({ message: answer }) => answer)
    expect(answers.map(({ tag }) => tag).sort()).toEqual(["ALLS", "SOKS"])
    return answers.find(({ tag }) => tag === "SOKS") ?? OK
  },
  KEY: async ({ r }) => r.ask({ tag: "KEY", senderKey: authKeys().publicKey }, (await idle(r)).asRecipient),
  RKEY: async ({ r }) => {
    const queue = await idle(r, "contact")
    return r.ask({ tag: "RKEY", recipientKeys: [authKeys().publicKey] }, queue.asRecipient)
  },
  LSET: async ({ r }) =>
    r.ask({ tag: "LSET", linkId: newCorrId(), data: DATA }, (await idle(r, "contact")).asRecipient),
  LDEL: async ({ r }) => r.ask({ tag: "LDEL" }, (await linked(r, "contact")).queue.asRecipient),
  NKEY: async ({ r }) => {
    const queue = await idle(r)
    const dhKey = queue.ids.dhKey
    return r.ask({ tag: "NKEY", notifierKey: authKeys().publicKey, dhKey }, queue.asRecipient)
  },
  NDEL: async ({ r }) => {
    const queue = await idle(r)
    await addNotifier(r, queue)
    return r.ask({ tag: "NDEL" }, queue.asRecipient)
  },
  GET: async ({ r, s }) => {
    const queue = await idle(r)
    await sendTo(s, queue, "hello")
    return r.ask({ tag: "GET" }, queue.asRecipient)
  },
  ACK: async ({ r, s }) => {
    const queue = await createQueue(r)
    await sendTo(s, queue, "hello")
    const { id } = await receive(r, queue)
    return r.ask({ tag: "ACK", msgId: id }, queue.asRecipient)
  },
  OFF: async ({ r }) => r.ask({ tag: "OFF" }, (await idle(r)).asRecipient),
  DEL: async ({ r }) => r.ask({ tag: "DEL" }, (await idle(r)).asRecipient),
  QUE: async ({ r }) => r.ask({ tag: "QUE" }, (await idle(r)).asRecipient),
  SKEY: async ({ r, s }) => {
    const { senderId: entity } = (await idle(r)).ids
    const { publicKey: senderKey, privateKey: key } = authKeys()
    return s.ask({ tag: "SKEY", senderKey }, { entity, key })
  },
  SEND: async ({ r, s }) => sendTo(s, await idle(r), "hello"),
  PING: ({ r }) => r.ask({ tag: "PING" }),
  LKEY: async ({ r, s }) => {
    const { linkId: entity } = await linked(r, "messaging")
    const { publicKey: senderKey, privateKey: key } = authKeys()
    return s.ask({ tag: "LKEY", senderKey }, { entity, key })
  },
  LGET: async ({ r, s }) => s.ask({ tag: "LGET" }, { entity: (await linked(r, "contact")).linkId }),
  NSUB: async ({ r, s }) => {
    const queue = await idle(r)
    await addNotifier(r, queue)
    return s.ask({ tag: "NSUB" }, queue.asNotifier)
  },
  NSUBS: async ({ r }) => {
    const client = await connectService(relay, selfSigned("N"), r.version)
    return client.ask({ tag: "NSUBS", expected: countersOf() }, { entity: client.serviceId })
  },
  PRXY: (world) => viaProxy(world, (pkey) => Promise.resolve(pkey)),
  PFWD: async (world) => {
    const { r, s } = world
    const queue = await createQueue(await world.connect())
    return viaProxy(world, async (pkey) => {
      if (pkey.tag !== "PKEY") return pkey
      const { version } = r
      const sending = { command: message("through a proxy"), entity: queue.ids.senderId }
      const envelope = new Envelope(destinationOf(pkey, relay.relay.fingerprint, version), sending)
      const { key, request, corrId } = envelope
      const answer = await s.ask({ tag: "PFWD", version, key, request }, { entity: pkey.sessionId, corrId })
      if (answer.tag === "PRES") expect(envelope.open(answer.response)).toEqual({ tag: "OK" })
      return answer
    })
  },
  RFWD: async ({ r, connect }) => {
    const queue = await idle(r)
    const proxy = await connect()
    expect(await forward(proxy, { command: message("forwarded"), entity: queue.ids.senderId })).toEqual({ tag: "OK" })
    return { tag: "RRES", response: EMPTY }
  },
  RSLV: async ({ s }) => {
    const answer = await s.ask({ tag: "RSLV", name: "alice.simplex" })
    if (answer.tag === "RNAME") expect(answer.record).toEqual(RECORD)
    return answer
  },
}

test("command × version: what was answered", () => {
  const row = (name: string, cells: readonly string[]): string =>
    [name.padEnd(6), ...cells.map((cell) => cell.padEnd(5))].join(" ").trimEnd()
  const rows = TAGS.map((tag) =>
    row(
      tag,
      COLUMNS.map(({ title }) => answered.get(`${tag} ${title}`) ?? "·"),
    ),
  )
  const heading = row(
    "",
    COLUMNS.map(({ title }) => title),
  )
  console.log(`${[heading, ...rows].join("\n")}\n6*: without ALPN; ·: the command does not exist`)
  const expected = COLUMNS.flatMap(({ v }) => TAGS.filter((tag) => v >= (SINCE[tag] ?? 0)))
  expect(answered.size).toBe(expected.length)
})
