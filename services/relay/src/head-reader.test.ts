import { setImmediate } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import type { Peeked } from "@sluice/queue-store/queue-store"
import type { StoredMessage } from "@sluice/queue-store/records"
import { StoreError } from "@sluice/queue-store/store-error"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { connect, coreFixture } from "../test/core-fixture.ts"
import { HeadReader } from "./head-reader.ts"
import { Subscription } from "./subscription.ts"

const failure = new StoreError({ code: "STORE_UNAVAILABLE", operation: "peek" })
const peeked: Peeked = { head: { id: new Uint8Array(24) } as StoredMessage }
const peek = vi.fn<(ids: readonly Uint8Array[]) => Promise<Peeked[]>>()
const found = vi.fn<(subscription: Subscription, peeked: Peeked) => void>()
const onError = vi.fn<(error: unknown) => void>()
let clock: ManualClock
let reader: HeadReader
const { client } = connect(coreFixture().relay)

beforeEach(() => {
  vi.resetAllMocks()
  peek.mockImplementation((ids) => Promise.resolve(ids.map(() => peeked)))
  clock = new ManualClock()
  reader = new HeadReader({ store: { peek }, clock, found, onError })
})

function subscription(n: number): Subscription {
  return new Subscription(client, new Uint8Array(24).fill(n), nativeCrypto.boxKey(new Uint8Array(32)))
}

describe("heads of queues", () => {
  it("that are wanted in one turn are read together, 64 with one call", async () => {
    for (let n = 0; n < 100; n++) reader.read(subscription(n))
    await setImmediate()
    expect(peek.mock.calls.map(([ids]) => ids.length)).toEqual([64, 36])
    expect(found).toHaveBeenCalledTimes(100)
  })

  it("are read again with back-off while the store fails", async () => {
    peek.mockRejectedValueOnce(failure).mockRejectedValueOnce(failure)
    const one = subscription(1)
    reader.read(one)
    await setImmediate()
    expect([peek, onError, found].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0])
    expect(one.state).toBe("reading")
    clock.advance(100)
    await setImmediate()
    expect([peek, onError, found].map(({ mock }) => mock.calls.length)).toEqual([2, 2, 0])
    clock.advance(199)
    await setImmediate()
    expect(peek).toHaveBeenCalledTimes(2)
    clock.advance(1)
    await setImmediate()
    expect(found.mock.calls).toEqual([[one, peeked]])
  })

  it("are not told to a subscription that ended, or was answered otherwise", async () => {
    const [ended, answered] = [subscription(1), subscription(2)]
    reader.read(ended)
    reader.read(answered)
    await Promise.resolve()
    ended.ended = true
    answered.state = "delivered"
    await setImmediate()
    expect(found).not.toHaveBeenCalled()
    expect(clock.pending).toBe(0)
  })

  it("are not read any more after the end", async () => {
    peek.mockRejectedValueOnce(failure)
    reader.read(subscription(1))
    await setImmediate()
    reader.stop()
    clock.advance(60_000)
    await setImmediate()
    expect(peek).toHaveBeenCalledTimes(1)
  })
})
