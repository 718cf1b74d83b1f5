import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { authKeys, createQueue, newQueue, OK, sok, TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, receive, sendTo, sub } from "../support/steps.ts"

/**
 * A SEND that starts after the recipient has read the answer to NEW or SUB is always pushed to it (smp.md §4.2). The
 * reference registers subscribers behind their answers and loses one push in 400 so; a lost one would be the last thing
 * that its connection waits for here. `SLUICE_PUSH_TRIES` changes how many there are: all take half a minute.
 */
const TRIES = Number(process.env["SLUICE_PUSH_TRIES"] ?? 20_000)
/** Recipients with a sender each, all at work at the same time: commits are shared, and races are real. */
const PAIRS = 32

describe.each([
  ["lmdb", TRIES],
  ["memory", TRIES / 10],
] as const)("pushes on the %s store", (store, tries) => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start({ store, settings: { "relay.end_interval": "24h" } })
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test(`${tries} SENDs right behind NEW and SUB, none missed`, { timeout: 300_000 }, async () => {
    const keys = authKeys()
    let pushed = 0
    const begun = performance.now()
    const exchange = async (r: RawClient, s: RawClient, queue: TestQueue): Promise<void> => {
      const text = `${pushed}`
      const [answer, received] = await Promise.all([sendTo(s, queue, text), receive(r, queue)])
      expect(answer.tag).toBe("OK")
      expect(received.text).toBe(text)
      pushed++
      expect(await ack(r, queue, received)).toEqual(OK)
    }
    const work = async (count: number): Promise<void> => {
      const [r1, r2, s] = [await relay.connect(), await relay.connect(), await relay.connect()]
      const known = await createQueue(r1, { keys })
      for (let i = 0; i < count; i += 2) {
        const { command, corrId, ...creation } = newQueue({ keys })
        const ids = await r1.ask(command, { key: keys.privateKey, corrId })
        if (ids.tag !== "IDS") throw new Error(`NEW was answered with ${ids.tag}`)
        await exchange(r1, s, new TestQueue({ command, corrId, ...creation }, ids))
        // A queue that moves to and fro: the subscription is new in its connection, or taken back.
        const recipient = i % 4 === 0 ? r2 : r1
        expect(await sub(recipient, known)).toEqual(sok(recipient))
        await exchange(recipient, s, known)
      }
    }
    const each = Math.ceil(tries / PAIRS / 2) * 2
    await Promise.all(Array.from({ length: PAIRS }, () => work(each)))
    const seconds = (performance.now() - begun) / 1000
    console.log(`pushes: ${pushed} of ${each * PAIRS} on the ${store} store in ${seconds.toFixed(1)} s`)
    expect(pushed).toBe(each * PAIRS)
  })
})
