import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { ProxiedRelay } from "@sluice/smp-client/proxied-relay"
import type { CreatedQueue, ReceivedMessage } from "@sluice/smp-client/queue-types"
import type { AuthKeyPair } from "@sluice/smp-client/request"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { PROXIED_RANGE, SERVER_RANGE } from "@sluice/smp-protocol/versions"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { newCredentials } from "../../smp-client/test/fake-server.ts"
import { errorOf, pfwdCommand } from "./requests.ts"
import { SmallRelay } from "./small-relay.ts"

/*
 * The cases of proxy.md §10 that are about one proxy and its relays, over TLS on loopback ports. Those about time and
 * about servers that come and go are in `recovery.test.ts`; those about agents (15 to 17) belong to the agent.
 */

const text = new TextEncoder()
const ALGORITHMS = ["ed448", "ed25519", "x25519"] as const

/** P: also a relay, as in the reference. */
let proxy: SmallRelay
/** R: another machine. */
let relay: SmallRelay
let sender: SmpConnection

beforeAll(async () => {
  proxy = await SmallRelay.start()
  relay = await SmallRelay.start({ credentials: newCredentials() })
  sender = await connect(proxy.address)
})

afterAll(async () => {
  await sender.close()
  await proxy.close()
  await relay.close()
})

/** P = R, and P ≠ R. */
const places: readonly (readonly [string, () => SmallRelay])[] = [
  ["one server", () => proxy],
  ["two servers", () => relay],
]

function prxy(connection: SmpConnection, server: Server, password?: string): Promise<SmpError | string> {
  return connection.openRelay(server, { password }).then(
    async (opened) => Buffer.from((await opened.session).sessionId).toString("hex"),
    (error: { answer?: SmpError }) => error.answer ?? Promise.reject(error),
  )
}

/** A queue at `server` with its subscriber. */
async function subscribedQueue(server: Server): Promise<{ recipient: SmpConnection; queue: CreatedQueue }> {
  const recipient = await connect(server)
  return { recipient, queue: await recipient.createQueue() }
}

/** Receives and acknowledges `count` messages. */
async function receive(recipient: SmpConnection, queue: CreatedQueue, count: number): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = []
  let next: ReceivedMessage | undefined
  while (bodies.length < count) {
    next ??= await recipient.events.once("message")
    bodies.push(next.body.slice())
    next = await recipient.acknowledge(queue, next.msgId)
  }
  return bodies
}

const BASIC_AUTH: SmpError = { type: "PROXY", error: { type: "BASIC_AUTH" } }

describe("1, 2: who may use a proxy", () => {
  it("1: nobody where proxying is off, at the first version that has it", async () => {
    await using off = await SmallRelay.start({ enabled: false })
    await using client = await connect(off.address, { range: { min: 8, max: 8 } })
    expect(await prxy(client, relay.address)).toEqual(BASIC_AUTH)
  })

  it("2: only who knows the password", async () => {
    await using closed = await SmallRelay.start({ password: "correct" })
    await using client = await connect(closed.address)
    expect(await prxy(client, relay.address, "wrong")).toEqual(BASIC_AUTH)
    expect(await prxy(client, relay.address)).toEqual(BASIC_AUTH)
    expect(await prxy(client, relay.address, "correct")).toHaveLength(64)
  })
})

describe.each(places)("3 to 7: %s", (_name, at) => {
  it("3: repeating PRXY gives the same session, to other clients, too", async () => {
    await using other = await connect(proxy.address)
    const { address } = at()
    const session = await prxy(sender, address)
    expect(session).toHaveLength(64)
    expect(await prxy(sender, address)).toBe(session)
    expect(await prxy(other, address)).toBe(session)
  })

  it("4: a message reaches the recipient, who acknowledges it", async () => {
    const { recipient, queue } = await subscribedQueue(at().address)
    const proxied = await sender.openRelay(at().address)
    const received = receive(recipient, queue, 2)
    await proxied.sendMessage(queue, text.encode("hello"))
    await proxied.sendMessage(queue, text.encode("hello again"))
    expect(await received).toEqual([text.encode("hello"), text.encode("hello again")])
    await recipient.close()
  })

  it("5: a session that does not exist", async () => {
    const before = at().forwarded
    await sender.openRelay(at().address)
    const entityId = text.encode("bad session")
    const [answer] = sender.send([{ command: pfwdCommand(), entityId }])
    expect(errorOf(await answer)).toEqual({ type: "PROXY", error: { type: "NO_SESSION" } })
    expect(at().forwarded).toBe(before)
  })

  it.each(ALGORITHMS)("6: signed with a key that the recipient set, %s", async (algorithm) => {
    const { recipient, queue } = await subscribedQueue(at().address)
    const keys = newKeys(algorithm)
    await recipient.secure(queue, keys.publicKey)
    const proxied = await sender.openRelay(at().address)
    const received = receive(recipient, queue, 1)
    await proxied.sendMessage({ ...queue, senderKey: keys.privateKey }, text.encode("signed"))
    expect(await received).toEqual([text.encode("signed")])
    // and not without it, nor with another one
    const other = newKeys(algorithm)
    for (const senderKey of [undefined, other.privateKey]) {
      const refused = proxied.sendMessage({ senderId: queue.senderId, senderKey }, text.encode("x"))
      await expect(refused).rejects.toMatchObject({ problem: { code: "ERR", error: { type: "AUTH" }, from: "server" } })
    }
    await recipient.close()
  })

  it.each([...ALGORITHMS, "unsecured" as const])("7: the longest body, %s", async (algorithm) => {
    const { recipient, queue } = await subscribedQueue(at().address)
    const keys = algorithm === "unsecured" ? undefined : newKeys(algorithm)
    if (keys !== undefined) await recipient.secure(queue, keys.publicKey)
    const proxied = await sender.openRelay(at().address)
    const body = c.randomBytes(16_048)
    const received = receive(recipient, queue, 1)
    await proxied.sendMessage({ ...queue, senderKey: keys?.privateKey }, body)
    expect(await received).toEqual([body])
    await recipient.close()
  })
})

describe("8: many messages in parallel", () => {
  it.each([
    [1, 1000],
    [5, 200],
    [10, 100],
  ])("%i queues with %i messages each, all in order", async (queues, messages) => {
    const proxied = await sender.openRelay(relay.address)
    const bodies = Array.from({ length: messages }, (_, i) => text.encode(`message ${i}`))
    await Promise.all(
      Array.from({ length: queues }, async () => {
        const { recipient, queue } = await subscribedQueue(relay.address)
        const received = receive(recipient, queue, messages)
        await Promise.all(bodies.map((body) => proxied.sendMessage(queue, body)))
        expect(await received).toEqual(bodies)
        await recipient.close()
      }),
    )
  })
})

describe("what else may be forwarded", () => {
  const LINK = { fixed: text.encode("fixed"), user: text.encode("user") }
  let proxied: ProxiedRelay
  let recipient: SmpConnection

  beforeAll(async () => {
    proxied = await sender.openRelay(relay.address)
    recipient = await connect(relay.address)
  })
  afterAll(() => recipient.close())

  it.each(ALGORITHMS)("SKEY, %s", async (algorithm) => {
    const queue = await recipient.createQueue()
    const keys = newKeys(algorithm)
    await proxied.secureAsSender(queue, keys)
    const received = receive(recipient, queue, 1)
    await proxied.sendMessage({ ...queue, senderKey: keys.privateKey }, text.encode("secured"))
    expect(await received).toEqual([text.encode("secured")])
  })

  it.each(ALGORITHMS)("LKEY, %s", async (algorithm) => {
    const { linkId = c.randomBytes(24), senderId } = await recipient.createQueue({ link: { data: LINK } })
    expect(await proxied.secureByLink(linkId, newKeys(algorithm))).toEqual({ senderId, data: LINK })
  })

  it("LGET", async () => {
    const linkId = c.randomBytes(24)
    const { senderId } = await recipient.createQueue({ mode: "contact", link: { data: LINK, linkId } })
    expect(await proxied.getLink(linkId)).toEqual({ senderId, data: LINK })
  })

  it("RSLV", async () => {
    expect(await proxied.resolveName("alice.simplex")).toMatchObject({ nickname: "Alice" })
    const error = { type: "NAME", error: { type: "NOT_FOUND" } }
    await expect(proxied.resolveName("bob.simplex")).rejects.toMatchObject({ problem: { error, from: "server" } })
  })

  it("SUB and NEW may not, which only the client learns", async () => {
    const queue = await recipient.createQueue()
    const error = { type: "CMD", error: "PROHIBITED" }
    await expect(proxied.subscribe(queue)).rejects.toMatchObject({ problem: { error, from: "server" } })
    await expect(proxied.createQueue()).rejects.toMatchObject({ problem: { error, from: "server" } })
  })
})

describe("every version", () => {
  const versions = Array.from({ length: SERVER_RANGE.max - PROXIED_RANGE.min + 1 }, (_, i) => PROXIED_RANGE.min + i)

  it.each(versions)("a relay that speaks up to v%i", async (max) => {
    await using old = await SmallRelay.start({ range: { min: 6, max } })
    const { recipient, queue } = await subscribedQueue(old.address)
    const keys = newKeys("x25519")
    await recipient.secure(queue, keys.publicKey)
    const proxied = await sender.openRelay(old.address)
    // Relays that encrypt blocks and do not know the proxy's flag are spoken to in v10.
    const agreed = max >= 11 && max < 14 ? 10 : max
    expect((await proxied.session).version).toBe(agreed)
    const body = c.randomBytes(agreed < 11 ? 16_064 : 16_048)
    const received = receive(recipient, queue, 1)
    await proxied.sendMessage({ ...queue, senderKey: keys.privateKey }, body)
    expect(await received).toEqual([body])
    await recipient.close()
  })

  it.each(versions)("a client and its proxy that speak v%i", async (version) => {
    await using client = await connect(proxy.address, { range: { min: version, max: version } })
    const { recipient, queue } = await subscribedQueue(relay.address)
    const proxied = await client.openRelay(relay.address, { range: { min: version, max: version } })
    expect((await proxied.session).version).toBe(version)
    const received = receive(recipient, queue, 1)
    await proxied.sendMessage(queue, text.encode("hello"))
    expect(await received).toEqual([text.encode("hello")])
    await recipient.close()
  })

  it("versions that clients are offered can be capped", async () => {
    await using capped = await SmallRelay.start({ routing: { maxForwardedVersion: 17 } })
    await using client = await connect(capped.address)
    const proxied = await client.openRelay(relay.address)
    expect((await proxied.session).version).toBe(17)
  })
})

describe("13, 14: a relay without proxying", () => {
  it("is told to be too old, so that the sender goes direct if its policy allows", async () => {
    await using old = await SmallRelay.start({ range: { min: 6, max: 7 } })
    const error = { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: "VERSION" } } }
    expect(await prxy(sender, old.address)).toEqual(error)

    const { recipient, queue } = await subscribedQueue(old.address)
    await using direct = await connect(old.address)
    const received = receive(recipient, queue, 1)
    await direct.sendMessage(queue, text.encode("direct"))
    expect(await received).toEqual([text.encode("direct")])
    await recipient.close()
  })
})

describe("destination rules", () => {
  it("loopback addresses are refused unless they are allowed", async () => {
    await using strict = await SmallRelay.start({ routing: { allowPrivate: false } })
    await using client = await connect(strict.address)
    const host = { type: "PROXY", error: { type: "BROKER", error: { type: "HOST" } } }
    expect(await prxy(client, relay.address)).toEqual(host)
    expect(await prxy(client, { ...relay.address, hosts: ["localhost"] })).toEqual(host)
    expect(await prxy(client, { ...relay.address, hosts: ["abc.onion"] })).toEqual(host)
    expect(strict.metrics.levels()).toMatchObject({ destinations: 0, connecting: 0 })
  })

  it("a relay with another identity is not the relay that was asked for", async () => {
    const network = { type: "PROXY", error: { type: "BROKER", error: { type: "NETWORK", error: { type: "FAILED" } } } }
    expect(await prxy(sender, { ...relay.address, keyHash: c.randomBytes(32) })).toEqual(network)
  })
})

function newKeys(algorithm: (typeof ALGORITHMS)[number]): AuthKeyPair {
  switch (algorithm) {
    case "ed448":
      return c.generateKeyPair(algorithm)
    case "ed25519":
      return c.generateKeyPair(algorithm)
    case "x25519":
      return c.generateKeyPair(algorithm)
    default:
      return algorithm satisfies never
  }
}
