import { fromUtf8, toHex, utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { seededRandom, seedFrom } from "../support/seeded-random.ts"
import { FlakyRelay } from "./flaky-relay.ts"
import { connect, TestAgent } from "./test-agent.ts"

/*
 * Many agents, whose connections to relays are cut, whose queues are moved and which are restarted at random: nothing that was sent may be lost,
 * nothing may be accepted twice, and each sender's messages come in order. SLUICE_SEED repeats a run.
 */

const seed = seedFrom("SLUICE_SEED")

/** One direction of one connection. */
interface Stream {
  readonly from: TestAgent
  readonly fromId: Uint8Array
  readonly to: TestAgent
  readonly toId: Uint8Array
  readonly sent: string[]
  readonly got: string[]
}

interface Plan {
  readonly agents: number
  readonly messages: number
  /** Cuts of connections and restarts of agents. */
  readonly troubles: number
}

class Run implements AsyncDisposable {
  readonly random: () => number
  readonly agents: TestAgent[] = []
  readonly streams: Stream[] = []
  readonly relays: TestRelay[] = []
  readonly flaky: FlakyRelay[] = []
  #stopped = false
  #listening: Promise<void>[] = []

  constructor(random: () => number) {
    this.random = random
  }

  async set({ agents }: Plan): Promise<void> {
    for (let n = 0; n < 2; n++) {
      const relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
      this.relays.push(relay)
      this.flaky.push(await FlakyRelay.before(relay))
    }
    for (let n = 0; n < agents; n++) {
      this.agents.push(
        await TestAgent.open(`agent ${n}`, {
          servers: this.flaky.map(({ address }) => ({ address })),
          store: "lmdb",
          random: this.random,
          client: { backoff: { initialMs: 20, factor: 1.2, maxMs: 100 }, commandTimeoutMs: 3000 },
        }),
      )
    }
    // In a ring, and with two also only once.
    for (let n = 0; n < agents; n++) {
      const [one, other] = [this.agent(n), this.agent((n + 1) % agents)]
      if (agents === 2 && n === 1) break
      const { a, b } = await connect(one, other)
      this.streams.push({ from: one, fromId: a, to: other, toId: b, sent: [], got: [] })
      this.streams.push({ from: other, fromId: b, to: one, toId: a, sent: [], got: [] })
    }
  }

  agent(n: number): TestAgent {
    const found = this.agents[n]
    if (found === undefined) throw new Error(`no agent ${n}`)
    return found
  }

  /** Takes and acknowledges whatever comes, until the end. */
  receive(): void {
    for (const agent of this.agents) this.#listening.push(this.#take(agent))
  }

  async #take(agent: TestAgent): Promise<void> {
    while (!this.#stopped) {
      const event = await agent.nextOf(["message", "receipt"]).catch(() => undefined)
      if (event === undefined) continue
      const { connectionId, meta } = event
      if (event.type === "message") {
        const stream = this.streams.find(({ to, toId }) => to === agent && toHex(toId) === toHex(connectionId))
        const text = fromUtf8(event.body)
        // An application that is told of a message again, because it was restarted before it had said that it is done.
        if (stream?.got.at(-1) !== text) stream?.got.push(text)
      }
      // A restart may come in between: then the message is handed out again.
      await agent.agent
        .acknowledge(connectionId, meta.messageId, { receipt: event.type === "message" })
        .catch(() => undefined)
    }
  }

  async send(messages: number): Promise<void> {
    for (let n = 0; n < messages; n++) {
      for (const stream of this.streams) {
        const text = `${stream.from.name} → ${stream.to.name}: ${n}`
        await this.#untilSent(stream, text)
      }
    }
  }

  /** A message that could not be stored, because its agent was just being restarted, was not sent. */
  async #untilSent(stream: Stream, text: string): Promise<void> {
    for (;;) {
      try {
        await stream.from.agent.sendMessage(stream.fromId, utf8(text))
        stream.sent.push(text)
        return
      } catch {
        await new Promise(setImmediate)
      }
    }
  }

  async trouble(): Promise<void> {
    const victim = this.agent(Math.floor(this.random() * this.agents.length))
    const kind = this.random()
    if (kind < 0.3) await victim.restart()
    else if (kind < 0.5) await this.#move()
    else for (const relay of this.flaky) relay.cut(() => this.random() < 0.5)
    for (const { agent } of this.agents) agent.retryNow()
  }

  /** Moves a queue; one that is being moved already stays where it is. */
  async #move(): Promise<void> {
    const stream = this.streams[Math.floor(this.random() * this.streams.length)]
    await stream?.to.agent.switchQueue(stream.toId).catch(() => undefined)
  }

  get done(): boolean {
    return this.streams.every(({ sent, got }) => got.length >= sent.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    for (const agent of this.agents) agent.interrupt()
    await Promise.all(this.#listening)
    for (const one of [...this.agents, ...this.flaky, ...this.relays]) await one[Symbol.asyncDispose]()
  }
}

describe(`with seed ${seed}`, () => {
  test.each<Plan>([
    { agents: 2, messages: 20, troubles: 8 },
    { agents: 3, messages: 8, troubles: 6 },
    { agents: 10, messages: 3, troubles: 5 },
  ])("$agents agents, $messages messages in each direction, $troubles troubles", { timeout: 60_000 }, async (plan) => {
    await using run = new Run(seededRandom(seed))
    await run.set(plan)
    run.receive()
    const sending = run.send(plan.messages)
    for (let n = 0; n < plan.troubles; n++) {
      await run.trouble()
      await new Promise((resolve) => setTimeout(resolve, 50 + run.random() * 100))
    }
    await sending
    const deadline = performance.now() + 30_000
    while (!run.done && performance.now() < deadline) {
      for (const { agent } of run.agents) agent.retryNow()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    for (const { sent, got } of run.streams) expect(got).toEqual(sent)
  })
})
