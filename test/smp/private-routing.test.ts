import { nativeCrypto as c } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { CreatedQueue, ReceivedMessage } from "@sluice/smp-client/queue-types"
import type { AuthKeyPair } from "@sluice/smp-client/request"
import { maxMessageLength, PROXIED_RANGE } from "@sluice/smp-protocol/versions"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ProxyUnderTest } from "../../services/proxy/test/proxy-under-test.ts"
import { authKeys } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { versionsFrom } from "../support/versions.ts"

/*
 * proxy.md §10 with relays that store: the relay as its own proxy, another relay as proxy, and the proxy that is nothing
 * else. Cases about time and failures are in the package of the proxy, with a clock that is moved by hand.
 */

const ALLOW = { "proxy.allow_private": true, "proxy.remember_failure": 0, "relay.message_quota": 128 }

let relay: TestRelay
let other: TestRelay
let program: ProxyUnderTest

beforeAll(async () => {
  // In memory: 3000 messages, one durable commit after the other, would only measure the disk.
  relay = await TestRelay.start({ settings: ALLOW, store: "memory" })
  other = await TestRelay.start({ settings: ALLOW, store: "memory" })
  program = await ProxyUnderTest.start({ "proxy.remember_failure": 0 })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
})

function addressOf({ relay: { fingerprint }, port }: TestRelay): ServerAddress {
  return { scheme: "smp", keyHash: fingerprint, hosts: ["127.0.0.1"], port: String(port) }
}

const PROXIES: readonly (readonly [string, () => ServerAddress])[] = [
  ["the relay itself", () => addressOf(relay)],
  ["another relay", () => addressOf(other)],
  ["a proxy that is nothing else", () => program.address],
]

/** A recipient that notes what it was sent, and acknowledges it. */
class Recipient implements AsyncDisposable {
  readonly connection: SmpConnection
  readonly queue: CreatedQueue
  readonly bodies: Uint8Array[] = []
  #wake = (): void => undefined

  private constructor(connection: SmpConnection, queue: CreatedQueue) {
    this.connection = connection
    this.queue = queue
    connection.events.on("message", (message) => void this.#take(message))
  }

  static async at(address: ServerAddress, version = 20): Promise<Recipient> {
    const connection = await connect(address, { range: { min: version, max: version } })
    return new Recipient(connection, await connection.createQueue())
  }

  /** The first `count` messages as texts. */
  async texts(count: number): Promise<string[]> {
    return (await this.received(count)).map(fromUtf8)
  }

  async received(count: number): Promise<Uint8Array[]> {
    while (this.bodies.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.bodies.slice(0, count)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection.close()
  }

  async #take(first: ReceivedMessage): Promise<void> {
    let message: ReceivedMessage | undefined = first
    while (message !== undefined) {
      const content = this.connection.decryptDelivered(this.queue, message)
      const next: ReceivedMessage | undefined = await this.connection.acknowledge(this.queue, message.msgId)
      if (content?.kind === "message") this.bodies.push(content.body.slice())
      this.#wake()
      message = next
    }
  }
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const errorOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => "no error",
    (error: { problem?: { error?: unknown; from?: unknown } }) => ({
      ...error.problem,
      code: undefined,
      command: undefined,
    }),
  )
const fromRelay = (error: unknown): unknown => ({ error, from: "server", code: undefined, command: undefined })

describe.each(PROXIES)("through %s", (_name, proxyAddress) => {
  let client: SmpConnection
  beforeAll(async () => {
    client = await connect(proxyAddress())
  })
  afterAll(() => client.close())

  test.each(versionsFrom(PROXIED_RANGE.min))("version %i: every command that exists", async (v) => {
    await using sender = await connect(proxyAddress(), { range: { min: v, max: v } })
    const proxied = await sender.openRelay(addressOf(relay), { range: { min: v, max: v } })
    expect((await proxied.session).version).toBe(v)

    await using recipient = await Recipient.at(addressOf(relay), v)
    const { queue, connection } = recipient
    await proxied.sendMessage(queue, utf8("unsigned"))
    const keys = authKeys("ed448") as AuthKeyPair
    if (v >= 9) await proxied.secureAsSender(queue, keys)
    else await connection.secure(queue, keys.publicKey)
    const longest = c.randomBytes(v >= 11 ? 16_048 : 16_049)
    await proxied.sendMessage({ ...queue, senderKey: keys.privateKey }, longest)
    expect(await recipient.received(2)).toEqual([utf8("unsigned"), longest])

    expect(await errorOf(proxied.sendMessage(queue, utf8("unsigned")))).toEqual(fromRelay({ type: "AUTH" }))
    expect(await errorOf(proxied.subscribe(queue))).toEqual(fromRelay({ type: "CMD", error: "PROHIBITED" }))
    if (v >= 15) {
      const data = { fixed: utf8("fixed"), user: utf8("user") }
      const invitation = await connection.createQueue({ link: { data } })
      const key = authKeys("x25519") as AuthKeyPair
      expect(await proxied.secureByLink(invitation.linkId ?? utf8("none"), key)).toMatchObject({ data })
      const linkId = c.randomBytes(24)
      await connection.createQueue({ mode: "contact", link: { data, linkId } })
      expect(await proxied.getLink(linkId)).toMatchObject({ data })
    }
    if (v >= 20) {
      const error = { type: "NAME", error: { type: "NO_RESOLVER" } }
      expect(await errorOf(proxied.resolveName("alice.simplex"))).toEqual(fromRelay(error))
    }
  })

  test.each(["ed25519", "ed448", "x25519"] as const)("the longest bodies, %s", async (algorithm) => {
    await using recipient = await Recipient.at(addressOf(relay))
    const proxied = await client.openRelay(addressOf(relay))
    const keys = authKeys(algorithm)
    await recipient.connection.secure(recipient.queue, keys.publicKey)
    const body = c.randomBytes(maxMessageLength(20))
    await proxied.sendMessage({ ...recipient.queue, senderKey: keys.privateKey }, body)
    expect(await recipient.received(1)).toEqual([body])
  })

  test("a body that is too long for its version, and a queue that is full", async () => {
    const proxied = await client.openRelay(addressOf(relay))
    await using owner = await connect(addressOf(relay))
    const queue = await owner.createQueue({ subscribe: false })
    expect(await errorOf(proxied.sendMessage(queue, c.randomBytes(16_049)))).toEqual(fromRelay({ type: "LARGE_MSG" }))
    for (const i of range(128)) await proxied.sendMessage(queue, Uint8Array.of(i))
    expect(await errorOf(proxied.sendMessage(queue, utf8("one more")))).toEqual(fromRelay({ type: "QUOTA" }))
  })

  test("10 queues, 100 messages each, all in order", async () => {
    const proxied = await client.openRelay(addressOf(relay))
    const texts = range(100).map(String)
    const before = relay.relay.statistics.pMsgFwdsRecv
    await Promise.all(
      range(10).map(async () => {
        await using recipient = await Recipient.at(addressOf(relay))
        await Promise.all(texts.map((text) => proxied.sendMessage(recipient.queue, utf8(text))))
        expect(await recipient.texts(100)).toEqual(texts)
      }),
    )
    expect(relay.relay.statistics.pMsgFwdsRecv - before).toBe(1000)
  })
})

test("a relay that restarts keeps what was forwarded, and is found again", async () => {
  await using mortal = await TestRelay.start({ settings: ALLOW })
  await using client = await connect(program.address)
  const proxied = await client.openRelay(addressOf(mortal))
  const owner = await connect(addressOf(mortal))
  const queue = await owner.createQueue({ subscribe: false })
  await proxied.sendMessage(queue, utf8("before"))
  await owner.close()
  const { port } = mortal
  await mortal.stop()
  await expect(proxied.sendMessage(queue, utf8("meanwhile"))).rejects.toMatchObject({ retryable: true })

  await mortal.start({ "relay.port": port })
  await proxied.sendMessage(queue, utf8("after"))
  await using again = await connect(addressOf(mortal))
  const texts: string[] = []
  const arrival = again.events.once("message")
  await again.subscribe(queue)
  for (let message: ReceivedMessage | undefined = await arrival; message !== undefined; ) {
    const content = again.decryptDelivered(queue, message)
    if (content?.kind === "message") texts.push(fromUtf8(content.body))
    message = await again.acknowledge(queue, message.msgId)
  }
  expect(texts).toEqual(["before", "after"])
})
