import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent } from "@sluice/agent/agent"
import type { AgentEvent } from "@sluice/agent/events"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { type Death, type MortalStore, mortalStore } from "./mortal-store.ts"
import { addressOf, TestAgent } from "./test-agent.ts"

/*
 * An agent whose process dies at any of its commits goes on where it was: the connection comes about, every message that it
 * has numbered arrives once, and the peer finds no gap and no message that it can not read.
 */

let relay: TestRelay

beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Milliseconds that a run may take; only one that fails takes them. */
const PATIENCE = 8000

const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 }

/** An application that does what its user wants until it is done, and starts again when it dies. */
class Application implements AsyncDisposable {
  readonly folder: string
  readonly texts: string[] = []
  readonly #death: Death
  readonly #deadline = performance.now() + PATIENCE
  #store: MortalStore | undefined
  #agent: Promise<Agent> | undefined
  #lives = 0

  constructor(folder: string, death: Death) {
    this.folder = folder
    this.#death = death
  }

  get lives(): number {
    return this.#lives
  }

  /** Calls until a call succeeds in an agent that lives to tell. */
  async insist<T>(call: (agent: Agent) => Promise<T>): Promise<T> {
    for (;;) {
      this.#checkTime()
      const agent = await this.agent()
      const store = this.#store
      try {
        const value = await call(agent)
        if (store?.isDead !== true) return value
      } catch (error) {
        if (store?.isDead !== true) throw error
      }
    }
  }

  /** Resolves when so many texts have come. */
  async hears(count: number): Promise<void> {
    while (this.texts.length < count) {
      this.#checkTime()
      await Promise.all([this.agent(), new Promise(setImmediate)])
    }
  }

  #checkTime(): void {
    if (performance.now() > this.#deadline) throw new Error(`no end after ${PATIENCE} ms, in life ${this.#lives}`)
  }

  /** Messages of the user that are stored. */
  async sentCount(id: Uint8Array): Promise<number> {
    const sent = (await this.#store?.list("sent", { prefix: [id] })) ?? []
    return sent.filter(({ kind }) => kind === "A_MSG").length
  }

  /** The agent of this life. */
  agent(): Promise<Agent> {
    if (this.#agent === undefined || this.#store?.isDead === true) {
      this.#store = undefined
      this.#agent = this.#live(this.#agent)
    }
    return this.#agent
  }

  async #live(before: Promise<Agent> | undefined): Promise<Agent> {
    await (await before)?.close()
    const store = await lmdbStore({ folder: this.folder, passphrase: "", cost: CHEAP })
    const death = this.#lives++ === 0 ? this.#death : { atCommit: Infinity, written: false }
    const mortal = mortalStore(store, death)
    this.#store = mortal
    // Somebody starts it again, whether or not it is being asked for something.
    mortal.died.then(() => this.agent()).catch(() => undefined)
    const agent = await Agent.open({ store: mortal, network: { privacy: "fast" } })
    agent.events.onAny((event) => this.#on(agent, event))
    if (this.#lives > 1) await agent.subscribe()
    return agent
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent)?.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  #on(agent: Agent, event: AgentEvent): void {
    if (event.type === "message") this.#take(agent, event).catch(() => undefined)
  }

  /** Like an application that keeps what it has read together with its number. */
  async #take(agent: Agent, { connectionId, meta, body }: Extract<AgentEvent, { type: "message" }>): Promise<void> {
    const text = `${fromUtf8(body)}`
    if (!this.texts.includes(text)) this.texts.push(text)
    await agent.acknowledge(connectionId, meta.messageId, { receipt: true })
  }
}

const TEXTS = ["one", "two", "three"]

/** Joins a peer, and talks to it; dies once on the way. Gives the number of lives that it took. */
async function joinAndTalk(death: Death): Promise<number> {
  await using alice = await TestAgent.open("alice", { servers: [relay] })
  await using bob = new Application(await mkdtemp(join(tmpdir(), "sluice-crash-")), death)
  const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
  const user = await bob.insist(
    async (agent) => agent.users()[0] ?? (await agent.createUser([{ address: addressOf(relay) }])),
  )
  const b = (await bob.agent()).newConnectionId()

  await bob.insist(async (agent) => {
    const known = (await agent.connections()).length > 0
    const joining = agent.joinConnection(user, link, { info: utf8("bob"), connectionId: b })
    // What was done when it died needs not be done again.
    await joining.catch((error: unknown) => {
      if (!(known && isProhibited(error))) throw error
    })
  })
  const { confirmationId } = await alice.next("confirmation", a)
  await alice.agent.allowConnection(a, confirmationId, utf8("alice"))
  await alice.next("connected", a)

  for (const text of TEXTS) await alice.say(a, `to bob: ${text}`)
  let numbered = 0
  for (const text of TEXTS) {
    await bob.insist(async (agent) => {
      // Written or not: the numbers tell, as they would tell an application that asks its own records.
      if ((await bob.sentCount(b)) > numbered) return
      await agent.sendMessage(b, utf8(`to alice: ${text}`))
    })
    numbered++
  }

  const got: string[] = []
  while (got.length < TEXTS.length) {
    const event = await alice.nextOf(["message", "receipt"], a)
    if (event.type === "message") got.push(fromUtf8(event.body))
    await alice.agent.acknowledge(a, event.meta.messageId)
    expect(event.meta.integrity).toEqual({ type: "OK" })
  }
  expect(got).toEqual(TEXTS.map((text) => `to alice: ${text}`))
  await bob.hears(TEXTS.length)
  expect(bob.texts).toEqual(TEXTS.map((text) => `to bob: ${text}`))
  expect(alice.events.filter(({ type }) => type === "error" || type === "messages-failed")).toEqual([])
  return bob.lives
}

function isProhibited(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("PROHIBITED")
}

/** 24 commits are what it takes; those that come later are of messages that are like the ones before. */
const NUMBERS = Array.from({ length: 12 }, (_, n) => 2 * n + 1)

describe("a process that dies", () => {
  test.each(NUMBERS)("before its commit number %s goes on where it was", { timeout: 20_000 }, async (atCommit) => {
    expect(await joinAndTalk({ atCommit, written: false })).toBeLessThanOrEqual(2)
  })

  test.each(NUMBERS)("after its commit number %s goes on where it was", { timeout: 20_000 }, async (atCommit) => {
    expect(await joinAndTalk({ atCommit: atCommit + 1, written: true })).toBeLessThanOrEqual(2)
  })
})
