import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { AUTH, authKeys, createQueue, NO_MSG, OK, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, addNotifier, message, nsub, receive, secure, sendTo, store, take } from "../support/steps.ts"

/** What other nodes change counts at once, although a node on Redis keeps in memory who may send and acknowledge. */
describe.skipIf(!haveRedis)("records in the memory of one node, changed on another", () => {
  let verifications = 0
  const crypto: CryptoBackend = {
    ...nativeCrypto,
    verify: (key, signed, signature) => {
      verifications++
      return nativeCrypto.verify(key, signed, signature)
    },
  }
  let fleet: TestRelay
  let s: RawClient
  let r: RawClient
  let elsewhere: RawClient
  let queue: TestQueue
  beforeAll(async () => {
    fleet = await TestRelay.start({ nodes: 2, store: "redis", crypto })
  })
  afterAll(() => fleet[Symbol.asyncDispose]())
  beforeEach(async () => {
    s = await fleet.connectTo(0)
    r = await fleet.connectTo(0)
    elsewhere = await fleet.connectTo(1)
    queue = await createQueue(r, { mode: "contact" })
    // From here on the node of sender and recipient remembers the queue.
    await store(s, queue, "first")
    await take(r, queue, "first")
  })

  test("KEY: a message without a signature is refused, a signed one is taken", async () => {
    expect(await secure(elsewhere, queue)).toEqual(OK)
    expect(await s.ask(message("unsigned"), { entity: queue.ids.senderId })).toEqual(AUTH)
    await store(s, queue, "signed")
    await take(r, queue, "signed")
  })

  test("a wrong key is refused before and after", async () => {
    const { privateKey: key } = authKeys()
    for (const secured of [false, true]) {
      if (secured) expect(await secure(elsewhere, queue)).toEqual(OK)
      for (let i = 0; i < 2; i++) expect(await s.ask(message("no"), { entity: queue.ids.senderId, key })).toEqual(AUTH)
    }
    await store(s, queue, "yes")
    await take(r, queue, "yes")
  })

  test("RKEY: who is no recipient any more acknowledges nothing, the new one does", async () => {
    await store(s, queue, "second")
    const second = await receive(r, queue)
    const keys = authKeys()
    expect(await elsewhere.ask({ tag: "RKEY", recipientKeys: [keys.publicKey] }, queue.asRecipient)).toEqual(OK)
    expect(await ack(r, queue, second)).toEqual(AUTH)
    expect(await r.ask({ tag: "ACK", msgId: new Uint8Array(24) }, queue.asRecipient)).toEqual(AUTH)
    const renewed = { entity: queue.ids.recipientId, key: keys.privateKey }
    expect(await r.ask({ tag: "ACK", msgId: new Uint8Array(24) }, renewed)).toEqual(NO_MSG)
    expect(await r.ask({ tag: "ACK", msgId: second.id }, renewed)).toEqual(OK)
  })

  test("RKEY: an acknowledgement that was refused leaves the message with its subscriber", async () => {
    await store(s, queue, "second")
    const second = await receive(r, queue)
    const keys = authKeys()
    expect(await elsewhere.ask({ tag: "RKEY", recipientKeys: [keys.publicKey] }, queue.asRecipient)).toEqual(OK)
    expect(await ack(r, queue, second)).toEqual(AUTH)
    const previous = { entity: queue.ids.recipientId, key: keys.privateKey }
    expect(await elsewhere.ask({ tag: "RKEY", recipientKeys: [queue.keys.publicKey] }, previous)).toEqual(OK)
    expect(await ack(r, queue, second)).toEqual(OK)
  })

  test("OFF and DEL: nothing more is sent", async () => {
    expect(await elsewhere.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(OK)
    expect(await sendTo(s, queue, "late")).toEqual(AUTH)
    expect(await elsewhere.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    expect(await sendTo(s, queue, "later")).toEqual(AUTH)
    expect(await r.ask({ tag: "ACK", msgId: new Uint8Array(24) }, queue.asRecipient)).toEqual(AUTH)
  })

  test("NKEY and NDEL: the next message notifies, or no more", async () => {
    await addNotifier(elsewhere, queue)
    expect((await nsub(elsewhere, queue)).tag).toBe("SOK")
    await store(s, queue, "second", true)
    expect((await elsewhere.event()).message.tag).toBe("NMSG")
    expect(await elsewhere.ask({ tag: "NDEL" }, queue.asRecipient)).toEqual(OK)
    await store(s, queue, "third", true)
    await elsewhere.quiet()
  })

  test("a key that is wrong costs as much whether the queue is remembered, known, or unknown", async () => {
    const keys = authKeys()
    expect(await secure(r, queue)).toEqual(OK)
    await store(s, queue, "second")
    const other = await createQueue(elsewhere, { mode: "contact" })
    expect(await secure(elsewhere, other)).toEqual(OK)
    const units = async (): Promise<number> =>
      Number(/^sluice_redis_units_total (\d+)$/m.exec(await fleet.metrics())?.[1])
    /** Round trips to Redis, and verifications. */
    const cost = async (entity: Uint8Array): Promise<readonly [number, number]> => {
      const before = [await units(), verifications] as const
      expect(await s.ask(message("no"), { entity, key: keys.privateKey })).toEqual(AUTH)
      return [(await units()) - before[0], verifications - before[1]]
    }
    const unknown = new Uint8Array(24).fill(7)
    // Periodic work of the relay may fall into one of them.
    await vi.waitFor(async () => {
      const costs = [await cost(unknown), await cost(queue.ids.senderId), await cost(other.ids.senderId)]
      expect(costs).toEqual([
        [2, 1],
        [2, 1],
        [2, 1],
      ])
    })
  })
})
