import type { AuthKey } from "@sluice/crypto/keys"
import { nativeCrypto as crypto } from "@sluice/crypto/native"
import { EMPTY, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { formatFullLink } from "@sluice/short-links/full-link"
import { CONFIRMATION_PADDED, MESSAGE_PADDED, sealClientMessage } from "@sluice/smp-protocol/client-message"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { allowing, connectedSides, inviting, joining, madeQueue, type Packet, Side } from "../../test/two-sides.ts"
import { type AgentEnvelope, encodeEnvelope } from "../protocol/envelope.ts"
import { MAX_CONFIRMATIONS } from "./confirmation.ts"
import { addReceiveQueue } from "./new-queues.ts"
import { enqueue } from "./outgoing.ts"

/* The table of agent.md §8, and what comes again. */

/** What somebody could put into a queue who knows its address. */
async function forged(
  side: Side,
  { envelope, withKey, senderKey }: { envelope: AgentEnvelope | Uint8Array; withKey: boolean; senderKey?: AuthKey },
): Promise<Packet> {
  const [queue] = (await side.record()).receiveQueues
  if (queue === undefined) throw new Error("no queue")
  const keys = crypto.generateKeyPair("x25519")
  const known = queue.e2eSecret
  const secret = known ?? crypto.diffieHellman(keys.privateKey, queue.e2eKeys.publicKey)
  const header = { version: 4, key: withKey ? keys.publicKey : undefined, nonce: crypto.randomBytes(24) }
  const body = envelope instanceof Uint8Array ? envelope : encodeEnvelope(envelope)
  const padded = withKey ? CONFIRMATION_PADDED : MESSAGE_PADDED
  const message = senderKey === undefined ? { body } : { body, senderKey }
  return { senderId: queue.senderId, body: sealClientMessage(crypto, crypto.boxKey(secret), header, message, padded) }
}

/** The errors that a side has told, as text. */
function errors(side: Side): string[] {
  return side.told().flatMap((event) => (event.type === "error" ? [event.error.message] : []))
}

const MESSAGE: AgentEnvelope = { tag: "MESSAGE", version: 7, encrypted: EMPTY }
const CONFIRMATION: AgentEnvelope = { tag: "CONFIRMATION", version: 7, encrypted: EMPTY }
const key = crypto.generateKeyPair("ed25519").publicKey

describe("a queue without a sender", () => {
  it.each([
    ["a message", MESSAGE, true, undefined, "A_PROHIBITED handshake: incorrect state"],
    ["a message without a key", MESSAGE, false, undefined, "A_PROHIBITED msg: no keys"],
    ["a confirmation without parameters", CONFIRMATION, true, undefined, "A_PROHIBITED conf: incorrect state"],
    ["something unreadable", utf8("?"), true, undefined, "A_MESSAGE"],
    ["a version of the future", { ...CONFIRMATION, version: 9 }, true, undefined, "A_VERSION"],
  ] as const)("refuses %s", async (_, envelope, withKey, __, expected) => {
    const { side } = await inviting()
    const ack = await side.receive(await forged(side, { envelope, withKey }))
    expect([ack, errors(side)]).toEqual(["agent", [`the peer's agent: ${expected}`]])
  })

  it("refuses a confirmation without a sender's key if its mode does not do without", async () => {
    const { side } = await inviting(false, "old")
    await side.receive(await forged(side, { envelope: CONFIRMATION, withKey: true }))
    expect(errors(side)).toEqual(["the peer's agent: A_PROHIBITED handshake: missing sender key"])
  })

  it("refuses requests that are for addresses", async () => {
    const { side, request } = await inviting()
    expect(request.kind).toBe("invitation")
    const link = "simplex:/invitation#/?v=2-7&smp="
    const envelope = utf8(`\0\x07I\0${String.fromCharCode(link.length)}${link}`)
    await side.receive(await forged(side, { envelope, withKey: true }))
    expect(errors(side)).toEqual(["the peer's agent: A_MESSAGE"])
  })

  it("does not take a confirmation that was made for other keys", async () => {
    const { side } = await inviting()
    const other = await inviting()
    const bob = await joining(other.request)
    const [packet] = await bob.take()
    await side.receive(await forged(side, { envelope: packet?.body.slice(0, 50) ?? EMPTY, withKey: true }))
    expect(errors(side)).toHaveLength(1)
    expect((await side.record()).receiveQueues[0]?.status).toBe("new")
  })

  it("keeps so many confirmations of strangers and no more, until the user has decided", async () => {
    const { side, request } = await inviting(false, "old")
    for (let i = 0; i < MAX_CONFIRMATIONS + 1; i++) {
      const [packet] = await (await joining(request)).take()
      if (packet === undefined) throw new Error("no confirmation")
      expect(await side.receive(packet)).toBe("agent")
    }
    expect((await side.record()).confirmations).toHaveLength(MAX_CONFIRMATIONS)
    expect(errors(side)).toEqual(["the peer's agent: A_PROHIBITED conf: too many"])
    expect(await side.store.list("hashes")).toHaveLength(MAX_CONFIRMATIONS)
  })

  it("keeps nothing of confirmations that it refuses, however many strangers send", async () => {
    const { side } = await inviting()
    for (let i = 0; i < 20; i++) {
      const envelope = { ...CONFIRMATION, encrypted: crypto.randomBytes(100) }
      await side.receive(await forged(side, { envelope, withKey: true }))
    }
    expect(errors(side)).toHaveLength(20)
    expect([await side.store.list("hashes"), await side.store.list("expiries")]).toEqual([[], []])
  })

  it("takes a confirmation that comes again for the same one, also after one was accepted", async () => {
    const { side, request } = await inviting(false, "old")
    const [packet] = await (await joining(request, false, "old")).take()
    if (packet === undefined) throw new Error("no confirmation")
    for (let i = 0; i < 2; i++) await side.receive(packet)
    expect((await side.record()).confirmations).toHaveLength(1)
    await allowing(side)
    await side.receive(packet)
    expect(errors(side)).toEqual([])
  })

  it("of an address takes requests only, each once", async () => {
    const side = new Side()
    await side.begin({ kind: "contact", pq: true }, (draft) => void addReceiveQueue(draft, madeQueue("contact")))
    await side.receive(await forged(side, { envelope: CONFIRMATION, withKey: true, senderKey: key }))
    expect(errors(side)).toEqual(["the peer's agent: A_PROHIBITED conf: incorrect state"])
    expect(await side.store.list("hashes")).toEqual([])
  })
})

describe("the queue of an address", () => {
  async function address(): Promise<{ side: Side; ask: (serverId?: Uint8Array) => Promise<void> }> {
    const side = new Side()
    await side.begin({ kind: "contact", pq: true }, (draft) => void addReceiveQueue(draft, madeQueue("contact")))
    const { request } = await inviting()
    const envelope: AgentEnvelope = {
      tag: "INVITATION",
      version: 7,
      request: formatFullLink(request),
      info: utf8("hi"),
    }
    const ask = async (serverId?: Uint8Array): Promise<void> => {
      expect(await side.receive(await forged(side, { envelope, withKey: true }), serverId)).toBe("agent")
    }
    return { side, ask }
  }

  it("keeps a request once, with the time when it is forgotten", async () => {
    const { side, ask } = await address()
    await ask(Uint8Array.of(1))
    await ask(Uint8Array.of(1))
    const [kept, ...others] = await side.store.list("invitations")
    expect(others).toEqual([])
    expect(kept?.expires).toBe(side.now / 1000 + 30 * 86_400)
    const expiries = (await side.store.list("expiries")).filter(({ of }) => of.table === "invitations")
    expect(expiries).toMatchObject([{ at: kept?.expires, of: { id: kept?.id } }])
    expect((await side.record()).requests).toBe(1)
  })

  it("keeps so many requests and no more; what it refuses leaves nothing", async () => {
    const { side, ask } = await address()
    side.limits = { requests: 3, requestLife: 1000 }
    for (let i = 0; i < 3; i++) await ask()
    const rows = async (): Promise<number[]> =>
      Promise.all(
        (["invitations", "hashes", "expiries"] as const).map(async (table) => (await side.store.list(table)).length),
      )
    const full = await rows()
    expect(side.told().map(({ type }) => type)).toEqual(["request", "request", "request"])
    for (let i = 0; i < 3; i++) await ask()
    expect(errors(side)).toEqual(Array.from({ length: 3 }, () => "the peer's agent: A_PROHIBITED inv: too many"))
    expect(await rows()).toEqual(full)
  })
})

describe("a queue with a sender", () => {
  it.each([
    ["a message with a sender's key", MESSAGE, false, key, "A_PROHIBITED msg: bad client msg"],
    ["a confirmation without a key", CONFIRMATION, false, undefined, "A_PROHIBITED msg: bad client msg"],
    ["a message with a public key", MESSAGE, true, undefined, "A_PROHIBITED msg: public header"],
    ["a message that no ratchet has made", MESSAGE, false, undefined, "A_MESSAGE"],
  ] as const)("refuses %s", async (_, envelope, withKey, senderKey, expected) => {
    const { alice } = await connectedSides()
    await alice.receive(await forged(alice, { envelope, withKey, ...(senderKey && { senderKey }) }))
    expect(errors(alice)).toEqual([`the peer's agent: ${expected}`])
  })

  it("says nothing to a confirmation that comes again", async () => {
    const { alice } = await connectedSides()
    expect(await alice.receive(await forged(alice, { envelope: CONFIRMATION, withKey: true }))).toBe("agent")
    expect(alice.told()).toEqual([])
  })

  it("refuses what others have sealed", async () => {
    const { alice, bob } = await connectedSides()
    await bob.change((draft) => void enqueue(draft, { tag: "A_MSG", body: utf8("hello") }))
    const [packet] = await bob.take()
    if (packet === undefined) throw new Error("no packet")
    const changed = packet.body.slice()
    changed[200] = (changed[200] ?? 0) ^ 1
    await alice.receive({ ...packet, body: changed })
    expect(errors(alice)).toEqual(["the peer's agent: A_CRYPTO"])
    expect(await alice.receive(packet)).toBe("user")
  })
})

describe("a message that comes again", () => {
  async function sent(text: string): Promise<{ alice: Side; bob: Side; packet: Packet }> {
    const { alice, bob } = await connectedSides()
    await bob.change((draft) => void enqueue(draft, { tag: "A_MSG", body: utf8(text) }))
    const [packet] = await bob.take()
    if (packet === undefined) throw new Error("no packet")
    return { alice, bob, packet }
  }
  const serverId = Uint8Array.of(1, 2, 3)

  it("is handed out again, the same, until the user has acknowledged it", async () => {
    const { alice, packet } = await sent("hello")
    expect(await alice.receive(packet, serverId)).toBe("user")
    const first = alice.told()
    expect(await alice.receive(packet, serverId)).toBe("user")
    expect(alice.told()).toEqual(first)
    const [kept] = await alice.store.list("received")
    if (kept === undefined) throw new Error("nothing is kept")
    expect(fromUtf8(kept.body)).toBe("hello")
    await alice.store.commit([{ table: "received", put: { ...kept, acked: true } }])
    expect(await alice.receive(packet, serverId)).toBe("agent")
    expect(alice.told()).toEqual([])
    expect(await alice.store.list("received")).toEqual([])
  })

  it("in another queue message is only acknowledged", async () => {
    const { alice, packet } = await sent("hello")
    await alice.receive(packet, serverId)
    alice.told()
    expect(await alice.receive(packet, Uint8Array.of(9))).toBe("agent")
    expect(alice.told()).toEqual([])
  })

  it("is given up after eight times and a day", async () => {
    const { alice, packet } = await sent("hello")
    for (let n = 0; n < 9; n++) expect(await alice.receive(packet, serverId)).toBe("user")
    alice.now += 86_400_000
    alice.told()
    expect(await alice.receive(packet, serverId)).toBe("agent")
    expect(errors(alice)).toEqual(["the peer's agent: A_DUPLICATE"])
  })
})

describe("messages that are lost, late or out of order", () => {
  it("are told with those that come", async () => {
    const { alice, bob } = await connectedSides()
    for (const text of ["1", "2", "3"]) {
      await bob.change((draft) => void enqueue(draft, { tag: "A_MSG", body: utf8(text) }))
    }
    const [one, two, three] = await bob.take()
    const integrity: unknown[] = []
    for (const packet of [three, one, two]) {
      if (packet === undefined) throw new Error("no packet")
      await alice.receive(packet)
      for (const event of alice.told()) if (event.type === "message") integrity.push(event.meta.integrity)
    }
    expect(integrity).toEqual([{ type: "SKIPPED", from: 2n, to: 3n }, { type: "BAD_ID", id: 2n }, { type: "OK" }])
  })
})

describe("hostile bodies", () => {
  it("never do more than complain", async () => {
    const { alice } = await connectedSides()
    const before = await alice.record()
    const { side } = await inviting()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, withKey) => {
        for (const one of [alice, side]) {
          const raw = { senderId: (await one.record()).receiveQueues[0]?.senderId ?? EMPTY, body: bytes }
          expect(await one.receive(raw)).toBe("agent")
          expect(await one.receive(await forged(one, { envelope: bytes, withKey }))).toBe("agent")
        }
      }),
      { numRuns: 60 },
    )
    expect(await alice.record()).toEqual(before)
  })
})

it("a second answer to an invitation is refused once one is there", async () => {
  const { side: alice, request } = await inviting()
  const [bob, carol] = [await joining(request), await joining(request)]
  for (const packet of await bob.take()) await alice.receive(packet)
  alice.told()
  for (const packet of await carol.take()) await alice.receive(packet)
  expect(errors(alice)).toHaveLength(1)
  await allowing(alice)
  expect((await alice.record()).sendQueues).toHaveLength(1)
})

it("of several answers in the slow handshake one is accepted", async () => {
  const { side: alice, request } = await inviting(false, "old")
  const sides = [await joining(request, false, "old"), await joining(request, false, "old")]
  for (const one of sides) for (const packet of await one.take()) await alice.receive(packet)
  expect(alice.told().map(({ type }) => type)).toEqual(["confirmation", "confirmation"])
  await allowing(alice)
  await expect(allowing(alice)).rejects.toThrow("PROHIBITED")
})

it("an invitation with keys that give no secret is refused before anybody is asked", async () => {
  const { request } = await inviting()
  const zero = { kind: "public", algorithm: "x448", raw: new Uint8Array(56) } as const
  for (const keys of [[zero, request.e2e.keys[1]] as const, [request.e2e.keys[0], zero] as const]) {
    await expect(joining({ ...request, e2e: { ...request.e2e, keys } })).rejects.toThrow("A_CRYPTO")
  }
  const [queue] = request.queues
  const dhKey = { kind: "public", algorithm: "x25519", raw: new Uint8Array(32) } as const
  await expect(joining({ ...request, queues: [{ ...queue, dhKey }] })).rejects.toThrow("A_CRYPTO")
})
