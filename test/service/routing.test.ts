import { nativeCrypto as c } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import type { CreatedQueue, ReceivedMessage, SenderQueue } from "@sluice/smp-client/queue-types"
import { RoutedSender, type RoutedSenderOptions } from "@sluice/smp-client/routed-sender"
import type { ProxyUse } from "@sluice/smp-client/routing-policy"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { addressOf } from "./addresses.ts"

/* Cases 13 to 17 of proxy.md §10: what senders see who decide by a policy whether a proxy takes their messages. */

const SETTINGS = { "proxy.allow_private": true, "relay.message_quota": 1000, "proxy.remember_failure": "10ms" }
/** Of senders: attempts follow each other fast. */
const CLIENT = { patience: "interactive", backoff: { initialMs: 20, maxMs: 50 } } as const

const startRelay = (settings: Readonly<Record<string, unknown>> = {}): Promise<TestRelay> =>
  TestRelay.start({ settings: { ...SETTINGS, ...settings } })

let first: TestRelay
let second: TestRelay
beforeAll(async () => {
  first = await startRelay()
  second = await startRelay()
})
afterAll(async () => {
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

type SenderOptions = Partial<RoutedSenderOptions> & Pick<RoutedSenderOptions, "own">

function senderOf(options: SenderOptions): RoutedSender {
  return new RoutedSender({ use: "unknown", fallback: "no", client: CLIENT, ...options })
}

/** Somebody who has queues at one relay and acknowledges all that comes. */
class Party implements AsyncDisposable {
  readonly home: ServerAddress
  readonly sender: RoutedSender
  readonly #client: SmpClient
  readonly #inboxes = new Map<string, Inbox>()

  constructor(home: TestRelay, options: Partial<RoutedSenderOptions> = {}) {
    this.home = addressOf(home)
    this.#client = new SmpClient(this.home, CLIENT)
    this.sender = senderOf({ own: [this.home], ...options })
    this.#client.events.on("message", (message) => this.#inboxes.get(idOf(message.recipientId))?.take(message))
  }

  /** Makes a queue that gets this many messages. */
  async inbox(expected: number): Promise<Inbox> {
    const queue = await this.#client.createQueue()
    const inbox = new Inbox(this.#client, queue, this.home, expected)
    this.#inboxes.set(idOf(queue.recipientId), inbox)
    return inbox
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender.close()
    await this.#client.close()
  }
}

/** A queue as its recipient has it. */
class Inbox {
  readonly queue: CreatedQueue
  readonly home: ServerAddress
  readonly #texts: string[] = []
  readonly #client: SmpClient
  readonly #expected: number
  readonly #all = Promise.withResolvers<readonly string[]>()

  constructor(client: SmpClient, queue: CreatedQueue, home: ServerAddress, expected: number) {
    this.#client = client
    this.queue = queue
    this.home = home
    this.#expected = expected
  }

  /** The texts of all messages, once they are there and acknowledged. */
  get all(): Promise<readonly string[]> {
    return this.#all.promise
  }

  take(message: ReceivedMessage): void {
    this.#takeAll(message).catch(this.#all.reject)
  }

  async #takeAll(message: ReceivedMessage): Promise<void> {
    let next: ReceivedMessage | undefined = message
    while (next !== undefined) {
      const content = this.#client.decryptDelivered(this.queue, next)
      this.#texts.push(content?.kind === "message" ? fromUtf8(content.body) : "no message")
      next = await this.#client.acknowledge(this.queue, next.msgId)
      if (this.#texts.length === this.#expected) this.#all.resolve(this.#texts)
    }
  }
}

function idOf(id: Uint8Array): string {
  return Buffer.from(id).toString("hex")
}

function texts(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`)
}

/** Secures the queue and sends all texts at once; which of the commands went through a proxy. */
async function sendAll(sender: RoutedSender, { queue, home }: Inbox, bodies: readonly string[]): Promise<Set<boolean>> {
  const { senderId } = queue
  const keys = c.generateKeyPair("ed25519")
  const secured: SenderQueue = { senderId, senderKey: keys.privateKey }
  const sent = [sender.secureAsSender(home, { senderId }, keys)]
  for (const body of bodies) sent.push(sender.sendMessage(home, secured, utf8(body)))
  return new Set((await Promise.all(sent)).map(({ viaProxy }) => viaProxy))
}

describe("case 15: policies of two users, each with an own relay", () => {
  // whose use of proxies, and whether the messages of each went through one
  test.each<readonly [ProxyUse, ProxyUse, boolean, boolean]>([
    ["always", "always", true, true],
    ["unknown", "unknown", true, true],
    ["unknown", "never", true, false],
    ["never", "unknown", false, true],
    ["never", "never", false, false],
  ])("%s and %s", async (aliceUses, bobUses, aliceViaProxy, bobViaProxy) => {
    await using alice = new Party(first, { use: aliceUses })
    await using bob = new Party(second, { use: bobUses })
    const [toAlice, toBob] = [await alice.inbox(5), await bob.inbox(5)]
    expect(await sendAll(alice.sender, toBob, texts("a", 5))).toEqual(new Set([aliceViaProxy]))
    expect(await sendAll(bob.sender, toAlice, texts("b", 5))).toEqual(new Set([bobViaProxy]))
    expect(await toBob.all).toEqual(texts("a", 5))
    expect(await toAlice.all).toEqual(texts("b", 5))
  })

  test.each<readonly [ProxyUse, boolean]>([
    ["always", true],
    ["unknown", false],
    ["unprotected", false],
  ])("%s, to a relay of the user's own", async (use, viaProxy) => {
    await using bob = new Party(second)
    await using sender = senderOf({ own: [addressOf(first), bob.home], use })
    const inbox = await bob.inbox(2)
    expect(await sendAll(sender, inbox, texts("a", 2))).toEqual(new Set([viaProxy]))
    expect(await inbox.all).toEqual(texts("a", 2))
  })
})

describe("cases 13 and 14: a relay without proxying", () => {
  let old: TestRelay
  beforeAll(async () => {
    old = await startRelay({ "relay.max_version": 7 })
  })
  afterAll(() => old[Symbol.asyncDispose]())

  /** At v7 only the recipient can secure a queue, so this one stays open. */
  const send = async (options: Partial<RoutedSenderOptions>): Promise<{ viaProxy: boolean; text: string }> => {
    await using bob = new Party(old)
    await using sender = senderOf({ own: [addressOf(first)], ...options })
    const inbox = await bob.inbox(1)
    const { senderId } = inbox.queue
    const { viaProxy } = await sender.sendMessage(bob.home, { senderId }, utf8("hello"))
    const [text = ""] = await inbox.all
    return { viaProxy, text }
  }

  test("goes directly where the policy allows it", async () => {
    expect(await send({ fallback: "yes" })).toEqual({ viaProxy: false, text: "hello" })
    expect(await send({ fallback: "protected", isProtected: () => true })).toEqual({ viaProxy: false, text: "hello" })
  })

  test.each(["no", "protected"] as const)("fails where the fallback is: %s", async (fallback) => {
    const error = { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: "VERSION" } } }
    await expect(send({ fallback })).rejects.toMatchObject({ problem: { code: "ERR", from: "proxy", error } })
  })
})

describe("case 16", () => {
  test.each(["relay", "proxy"] as const)("messages wait for a %s that is away", async (which) => {
    await using proxy = await startRelay()
    await using relay = await startRelay()
    await using bob = new Party(relay)
    await using sender = senderOf({ own: [addressOf(proxy)] })
    const before = await bob.inbox(1)
    const inbox = await bob.inbox(10)
    const { senderId } = inbox.queue
    const { home } = bob
    expect(await sendAll(sender, before, ["before"])).toEqual(new Set([true]))
    // Its acknowledgement must not be lost with the relay.
    expect(await before.all).toEqual(["before"])

    const stopped = which === "relay" ? relay : proxy
    const { port } = stopped
    await stopped.stop()
    const waiting = texts("b", 10).map((text) => sender.sendMessage(home, { senderId }, utf8(text)))
    const giveUp = new AbortController()
    const given = sender.sendMessage(home, { senderId }, utf8("given up"), { signal: giveUp.signal })
    giveUp.abort(new Error("no longer"))
    await expect(given).rejects.toThrow("no longer")
    expect(sender.queued).toBe(10)

    await stopped.start({ "relay.port": port })
    for (const sent of waiting) expect(await sent).toEqual({ viaProxy: true })
    expect(await inbox.all).toEqual(texts("b", 10))
    expect(sender.queued).toBe(0)
  })
})

describe("case 17", () => {
  /** Every pair sends `count` messages each way, all at the same time. */
  async function exchange(parties: readonly Party[], count: number): Promise<void> {
    const ways = parties.flatMap((from, i) => parties.filter((_, j) => j !== i).map((to) => ({ from, to })))
    await Promise.all(
      ways.map(async ({ from, to }, way) => {
        const inbox = await to.inbox(count)
        const bodies = texts(`way ${way},`, count)
        expect(await sendAll(from.sender, inbox, bodies)).toEqual(new Set([true]))
        expect(await inbox.all).toEqual(bodies)
      }),
    )
  }

  test("2 parties, 250 messages each way", async () => {
    await using alice = new Party(first)
    await using bob = new Party(second)
    await exchange([alice, bob], 250)
  })

  test("5 parties, 10 pairs, 50 messages each way", async () => {
    await using parties = new AsyncDisposableStack()
    const five = [first, second, first, second, first].map((home) => {
      const own = [addressOf(first), addressOf(second)]
      return parties.use(new Party(home, { use: "always", own }))
    })
    await exchange(five, 50)
  })
})

describe("a sender", () => {
  test("with as many commands as may wait is busy, and gives them up when it is closed", async () => {
    await using relay = await startRelay()
    const home = addressOf(relay)
    await relay.stop()
    const sender = senderOf({ own: [addressOf(first)], maxQueued: 2 })
    const send = (): Promise<unknown> => sender.sendMessage(home, { senderId: new Uint8Array(24) }, utf8("x"))
    const waiting = Promise.allSettled([send(), send()])
    await expect(send()).rejects.toMatchObject({ problem: { code: "BUSY", command: "SEND" } })
    await sender.close()
    const closed = { status: "rejected", reason: { problem: { code: "CLOSED" } } }
    expect(await waiting).toMatchObject([closed, closed])
    await expect(send()).rejects.toMatchObject({ problem: { code: "CLOSED" } })
  })

  test("hears at once what the relay says about a queue", async () => {
    await using sender = senderOf({ own: [addressOf(first)] })
    const sent = sender.sendMessage(addressOf(second), { senderId: new Uint8Array(24) }, utf8("x"))
    await expect(sent).rejects.toMatchObject({ problem: { code: "ERR", from: "server", error: { type: "AUTH" } } })
  })

  test("that may need a proxy has to have one", () => {
    expect(() => senderOf({ own: [] })).toThrow(RangeError)
    expect(() => senderOf({ own: [], use: "never" })).not.toThrow()
  })
})
