import { setInterval } from "node:timers/promises"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import { expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { addressOf } from "./addresses.ts"

const QUEUES = 20
const TOKEN = "token-of-the-tests-alone"
/** Milliseconds between two rounds of sending. */
const TICK = 10
/** Messages of a round: 500 a second. */
const PER_TICK = 5

/** Sends messages with rising numbers to some queues in turn, at a steady rate, and notes which were acknowledged. */
class SteadyLoad {
  /** Numbers of messages that the relay answered with `OK`. */
  readonly acknowledged = new Set<number>()
  readonly #sender: SmpConnection
  readonly #queues: readonly CreatedQueue[]
  readonly #stop = new AbortController()
  #sent = 0
  #wake: () => void = () => undefined

  constructor(sender: SmpConnection, queues: readonly CreatedQueue[]) {
    this.#sender = sender
    this.#queues = queues
  }

  get sent(): number {
    return this.#sent
  }

  /** Until `stop`; resolves when everything that was sent is acknowledged. */
  async run(): Promise<void> {
    const answers: Promise<void>[] = []
    const begun = performance.now()
    const ticks = setInterval(TICK, undefined, { signal: this.#stop.signal })
    try {
      for await (const _ of ticks) {
        // A late timer is made up for, so that the rate holds.
        const due = ((performance.now() - begun) / TICK) * PER_TICK
        while (this.#sent < due) answers.push(this.#send(this.#sent++))
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    }
    await Promise.all(answers)
  }

  stop(): void {
    this.#stop.abort()
  }

  /** When so many messages are acknowledged. */
  async reached(count: number): Promise<void> {
    while (this.acknowledged.size < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async #send(number: number): Promise<void> {
    const queue = this.#queues[number % this.#queues.length]
    if (queue === undefined) throw new Error("no queues")
    await this.#sender.sendMessage(queue, utf8(String(number)))
    this.acknowledged.add(number)
    this.#wake()
  }
}

/** All messages of a queue, in order; they are acknowledged. */
async function drain(recipient: SmpConnection, queue: CreatedQueue): Promise<number[]> {
  const numbers: number[] = []
  for (let next = await recipient.getMessage(queue); next !== undefined; next = await recipient.getMessage(queue)) {
    const content = recipient.decryptDelivered(queue, next)
    if (content?.kind !== "message") throw new Error("a message that does not decrypt, or a quota marker")
    numbers.push(Number(fromUtf8(content.body)))
    await recipient.acknowledge(queue, next.msgId)
  }
  return numbers
}

test("a snapshot under load opens as a store and holds what was acknowledged before", async () => {
  await using relay = await TestRelay.start({ settings: { "relay.message_quota": 10_000, "admin.token": TOKEN } })
  const owner = await connect(addressOf(relay))
  const queues = await Promise.all(Array.from({ length: QUEUES }, () => owner.createQueue({ subscribe: false })))
  const sender = await connect(addressOf(relay))
  const load = new SteadyLoad(sender, queues)
  const done = load.run()

  // A second of load before, some of it after.
  await load.reached(500)
  const before = new Set(load.acknowledged)
  const begun = { at: performance.now(), sent: load.sent }
  const { port } = relay.relay.adminAddress
  const answer = await fetch(`http://127.0.0.1:${port}/admin/snapshot`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "copy" }),
  })
  expect(await answer.json()).toMatchObject({ folder: expect.stringContaining("copy") })
  expect(answer.status).toBe(200)
  const { sent: sentAtEnd } = load
  const took = performance.now() - begun.at
  await load.reached(sentAtEnd + 100)
  load.stop()
  await done
  await sender.close()
  await owner.close()

  await relay.stop()
  await relay.start({ "store.path": "backups/copy" })
  await using recipient = await connect(addressOf(relay))
  const contents = await Promise.all(queues.map((queue) => drain(recipient, queue)))
  for (const numbers of contents) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  const held = contents.flat()
  const kept = new Set(held)
  process.stdout.write(
    `snapshot: ${took.toFixed(0)} ms, ${sentAtEnd - begun.sent} messages sent meanwhile; ` +
      `${before.size} acknowledged before, ${kept.size} in the copy, ${load.sent} in all\n`,
  )
  expect([...before].filter((number) => !kept.has(number))).toEqual([])
  expect(kept.size).toBe(held.length)
  // What came after the end of the snapshot is not in it, and nothing is that was not sent.
  expect(Math.max(...held)).toBeLessThan(sentAtEnd)
})
