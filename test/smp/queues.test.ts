import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import { maxMessageLength } from "@sluice/smp-protocol/versions"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { AUTH, type AuthKeys, authKeys, createQueue, LARGE_MSG, NO_MSG, newQueue, OK, sok } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, drain, message, receive, secure, secureAsSender, sendTo, sub, subWithMessage } from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** smp.md §10.2. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const wrong = authKeys().privateKey

describe.each(versionsFrom())("§10.2 at version %i", (v) => {
  let r: RawClient
  let s: RawClient
  beforeEach(async () => {
    r = await relay.connect({ versions: v })
    s = await relay.connect({ versions: v })
  })

  test("cases 1 to 4: a queue that nobody secured", async () => {
    const queue = await createQueue(r)
    expect(queue.ids.queueMode).toBe(v >= 9 ? "messaging" : undefined)
    expect(queue.ids).toMatchObject({ linkId: undefined, serviceId: undefined, notifier: undefined })
    expect(queue.ids.recipientId).toHaveLength(24)
    expect(queue.ids.senderId).toHaveLength(24)

    expect(await sendTo(s, queue, "hello")).toEqual(OK)
    const received = await receive(r, queue)
    expect(received.text).toBe("hello")
    expect(received.id).toHaveLength(24)
    expect(await ack(r, queue, received)).toEqual(OK)
    expect(await ack(r, queue, received)).toEqual(NO_MSG)

    expect(await s.ask(message("signed"), { ...queue.asSender, key: wrong })).toEqual(AUTH)
    await r.quiet()
  })

  test("cases 5 to 7: KEY", async () => {
    const queue = await createQueue(r)
    const keys = authKeys()
    const command = { tag: "KEY", senderKey: keys.publicKey } as const
    expect(await r.ask(command, { ...queue.asRecipient, key: wrong })).toEqual(AUTH)
    expect(await r.ask(command, { ...queue.asRecipient, entity: queue.ids.senderId })).toEqual(AUTH)
    expect(await secure(r, queue, keys)).toEqual(OK)
    expect(await secure(r, queue, keys)).toEqual(OK)
    expect(await r.ask({ ...command, senderKey: authKeys().publicKey }, queue.asRecipient)).toEqual(AUTH)

    await exchange(r, s, queue, "hello")
    expect(await s.ask(message("unsigned"), { entity: queue.ids.senderId })).toEqual(AUTH)
    expect(await s.ask(message("wrong"), { ...queue.asSender, key: wrong })).toEqual(AUTH)
    await r.quiet()
  })

  test("case 8: the longest body", async () => {
    const queue = await createQueue(r)
    await secure(r, queue)
    await longest(r, s, queue, v)
  })

  if (v >= 9) {
    test("cases 9 and 10: SKEY", async () => {
      const queue = await createQueue(r)
      const keys = authKeys()
      const { senderId, recipientId } = queue.ids
      const command = { tag: "SKEY", senderKey: keys.publicKey } as const
      expect(await s.ask(command, { entity: senderId, key: wrong })).toEqual(AUTH)
      expect(await s.ask(command, { entity: recipientId, key: keys.privateKey })).toEqual(AUTH)
      expect(await secureAsSender(s, queue, keys)).toEqual(OK)
      expect(await secureAsSender(s, queue, authKeys())).toEqual(AUTH)
      expect(await secureAsSender(s, queue, keys)).toEqual(OK)
      expect(await r.ask({ tag: "KEY", senderKey: keys.publicKey }, queue.asRecipient)).toEqual(OK)
      expect(await r.ask({ tag: "KEY", senderKey: authKeys().publicKey }, queue.asRecipient)).toEqual(AUTH)

      await exchange(r, s, queue, "hello")
      expect(await s.ask(message("unsigned"), { entity: senderId })).toEqual(AUTH)
      await longest(r, s, queue, v)
    })

    test("case 11: SKEY of a contact queue, which KEY secures all the same", async () => {
      const queue = await createQueue(r, { mode: "contact" })
      expect(await secureAsSender(s, queue)).toEqual(AUTH)
      expect(await secure(r, queue)).toEqual(OK)
      await exchange(r, s, queue, "hello")
      expect(await secureAsSender(s, queue, queue.senderKeys)).toEqual(AUTH)
    })
  }

  if (v >= 15) {
    test("case 12: RKEY", async () => {
      const [first, second] = [authKeys(), authKeys()]
      const queue = await createQueue(r, { mode: "contact", keys: first })
      const works = async (keys: AuthKeys): Promise<boolean> => {
        const answer = await r.ask({ tag: "QUE" }, { ...queue.asRecipient, key: keys.privateKey })
        if (answer.tag !== "INFO") expect(answer).toEqual(AUTH)
        return answer.tag === "INFO"
      }
      const setKeys = async (by: AuthKeys, ...keys: AuthKeys[]): Promise<void> => {
        const recipientKeys = keys.map(({ publicKey }) => publicKey)
        expect(await r.ask({ tag: "RKEY", recipientKeys }, { ...queue.asRecipient, key: by.privateKey })).toEqual(OK)
      }
      expect([await works(first), await works(second)]).toEqual([true, false])
      await setKeys(first, first, second)
      expect([await works(first), await works(second)]).toEqual([true, true])
      await setKeys(second, second)
      expect([await works(first), await works(second)]).toEqual([false, true])
      await setKeys(second, first, second)
      expect([await works(first), await works(second)]).toEqual([true, true])
      await setKeys(first, second)
      expect([await works(first), await works(second)]).toEqual([false, true])
    })

    test("RKEY of a messaging queue, and of one without a mode", async () => {
      const recipientKeys = [authKeys().publicKey]
      for (const mode of ["messaging", "none"] as const) {
        const queue = await createQueue(r, { mode })
        expect(await r.ask({ tag: "RKEY", recipientKeys }, queue.asRecipient)).toEqual(AUTH)
        expect((await r.ask({ tag: "QUE" }, queue.asRecipient)).tag).toBe("INFO")
      }
    })
  }

  test("cases 13 to 17: OFF and DEL of a secured queue with two messages", async () => {
    const queue = await createQueue(r)
    await secure(r, queue)
    expect(await sendTo(s, queue, "first")).toEqual(OK)
    expect(await sendTo(s, queue, "second")).toEqual(OK)
    expect((await receive(r, queue)).text).toBe("first")
    const { senderId } = queue.ids
    for (const tag of ["OFF", "DEL"] as const) {
      expect(await r.ask({ tag }, { ...queue.asRecipient, key: wrong })).toEqual(AUTH)
      expect(await r.ask({ tag }, { ...queue.asRecipient, entity: senderId })).toEqual(AUTH)
    }
    expect(await r.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(OK)
    const refused = async (): Promise<void> => {
      expect(await sendTo(s, queue, "third")).toEqual(AUTH)
      expect(await s.ask(message("third"), { entity: senderId })).toEqual(AUTH)
    }
    await refused()
    expect(await r.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(OK)

    const again = await subWithMessage(r, queue)
    expect(again.answer).toEqual(sok(r))
    expect(again.first.text).toBe("first")
    expect(await drain(r, queue, again.first)).toEqual(["first", "second"])

    expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    await refused()
    expect(await r.ask({ tag: "ACK", msgId: EMPTY }, queue.asRecipient)).toEqual(AUTH)
    expect(await r.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(AUTH)
    expect(await sub(r, queue)).toEqual(AUTH)
    expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(AUTH)
  })

  test("case 18: 50 queues with one key, subscribed by one connection after the other", async () => {
    const keys = authKeys()
    const queues = []
    for (let i = 0; i < 50; i++) {
      const creation = newQueue({ keys })
      r.send({ command: creation.command, key: keys.privateKey, corrId: EMPTY })
      const { message: ids } = await r.event()
      if (ids.tag !== "IDS") throw new Error(`NEW was answered with ${ids.tag}`)
      queues.push(ids.recipientId)
    }
    for (let connection = 0; connection < 2; connection++) {
      r.close()
      r = await relay.connect({ versions: v })
      for (const entity of queues) expect(await r.ask({ tag: "SUB" }, { entity, key: keys.privateKey })).toEqual(sok(r))
    }
  })

  test("keys of every kind authorize as recipient and as sender", async () => {
    for (const algorithm of ["ed25519", "ed448", "x25519"] as const) {
      const queue = await createQueue(r, { keys: authKeys(algorithm) })
      expect(await secure(r, queue, authKeys(algorithm))).toEqual(OK)
      await exchange(r, s, queue, algorithm)
      expect(await s.ask(message("no"), { ...queue.asSender, key: authKeys(algorithm).privateKey })).toEqual(AUTH)
    }
  })
})

test("case 19: queue creation is switched off", async () => {
  await using closed = await TestRelay.start({ settings: { "relay.new_queues": false } })
  const r = await closed.connect()
  const { command, keys } = newQueue()
  expect(await r.ask(command, { key: keys.privateKey })).toEqual(AUTH)
  expect(await r.ask(command, { key: authKeys().privateKey })).toEqual(AUTH)
})

describe("NEW", () => {
  test("with the relay's password at every version, and without", async () => {
    await using guarded = await TestRelay.start({ settings: { "relay.password": "open-sesame" } })
    for (const v of versionsFrom()) {
      const r = await guarded.connect({ versions: v })
      for (const [password, works] of [
        ["open-sesame", true],
        ["open", false],
        [undefined, false],
      ] as const) {
        const { command, keys } = newQueue(password === undefined ? {} : { password })
        const answer = await r.ask(command, { key: keys.privateKey })
        if (works) expect(answer.tag).toBe("IDS")
        else expect(answer).toEqual(AUTH)
      }
    }
  })

  test("with a password that nobody asked for", async () => {
    const r = await relay.connect()
    await createQueue(r, { password: "whatever" })
  })

  test("signed with another key than the one inside", async () => {
    const r = await relay.connect()
    expect(await r.ask(newQueue().command, { key: wrong })).toEqual(AUTH)
    const authorization = nativeCrypto.randomBytes(114)
    expect(await r.ask(newQueue().command, { authorization })).toEqual(AUTH)
  })

  test("in mode C does not subscribe", async () => {
    const r = await relay.connect()
    const s = await relay.connect()
    const queue = await createQueue(r, { subscription: "create-only" })
    expect(await sendTo(s, queue, "waits")).toEqual(OK)
    await r.quiet()
    expect((await subWithMessage(r, queue)).first.text).toBe("waits")
  })

  test("ids are never given twice, and each belongs to its own command", async () => {
    const r = await relay.connect()
    const ids = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const { ids: made } = await createQueue(r)
      for (const id of [made.recipientId, made.senderId]) ids.add(Buffer.from(id).toString("hex"))
    }
    expect(ids.size).toBe(40)
  })
})

type Queue = Awaited<ReturnType<typeof createQueue>>

async function exchange(r: RawClient, s: RawClient, queue: Queue, body: string): Promise<void> {
  expect(await sendTo(s, queue, body)).toEqual(OK)
  const received = await receive(r, queue)
  expect(received.text).toBe(body)
  expect(await ack(r, queue, received)).toEqual(OK)
}

async function longest(r: RawClient, s: RawClient, queue: Queue, v: number): Promise<void> {
  const length = maxMessageLength(v)
  expect(length).toBe(v >= 11 ? 16_048 : v >= 8 ? 16_064 : 16_088)
  const body = nativeCrypto.randomBytes(length)
  expect(await sendTo(s, queue, body)).toEqual(OK)
  const { message: event } = await r.event()
  const content = queue.open(event)
  expect(content.kind === "message" && Buffer.compare(content.body, body)).toBe(0)
  expect(await ack(r, queue, content)).toEqual(OK)
  expect(await sendTo(s, queue, nativeCrypto.randomBytes(length + 1))).toEqual(LARGE_MSG)
}
