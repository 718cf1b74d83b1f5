import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { type FixtureOptions, serve, type ToySession, until } from "../test/toy.ts"
import type { SessionHandler } from "./session-handler.ts"

const FILL = "x".repeat(400)

describe("a session", () => {
  it("processes blocks one after the other, in order", async () => {
    const log: string[] = []
    await using fixture = await serve({
      handler: () => ({
        handle: async ([command = ""]) => {
          log.push(`begin ${command}`)
          await new Promise((resolve) => setImmediate(resolve))
          log.push(`end ${command}`)
          return [utf8(command)]
        },
      }),
    })
    const client = await fixture.connect()
    for (const command of ["a", "b", "c"]) client.send(command)
    expect([await client.next(), await client.next(), await client.next()]).toEqual([["a"], ["b"], ["c"]])
    expect(log).toEqual(["begin a", "end a", "begin b", "end b", "begin c", "end c"])
  })

  it("runs beside other sessions", async () => {
    const gate = Promise.withResolvers<void>()
    await using fixture = await serve({
      handler: () => ({
        handle: async ([command = ""]) => {
          if (command === "wait") await gate.promise
          return [utf8(command)]
        },
      }),
    })
    const [one, two] = [await fixture.connect(), await fixture.connect()]
    one.send("wait")
    two.send("quick")
    expect(await two.next()).toEqual(["quick"])
    gate.resolve()
    expect(await one.next()).toEqual(["wait"])
  })

  it("keeps batches in blocks of their own, in the order in which they were sent", async () => {
    await using fixture = await serve({
      handler: (session) => ({
        handle: (commands) => {
          session.push([utf8("event one")])
          session.push([utf8("event two"), utf8("event three")])
          return commands.map((command) => utf8(command))
        },
        answered: () => void session.push([utf8("follows")]),
      }),
    })
    const client = await fixture.connect()
    client.send("answer")
    const blocks = [await client.next(), await client.next(), await client.next(), await client.next()]
    expect(blocks).toEqual([["event one"], ["event two", "event three"], ["answer"], ["follows"]])
  })

  it("spreads answers over blocks when they don't fit into one, as full as possible from the last", async () => {
    const answer = (name: string): Uint8Array => utf8(name.padEnd(200, "."))
    await using fixture = await serve({ handler: () => ({ handle: (commands) => commands.map(answer) }) })
    const client = await fixture.connect()
    client.send("a", "b", "c", "d", "e")
    const blocks = [await client.next(), await client.next(), await client.next()]
    expect(blocks.map((block) => block.map((text) => text[0]))).toEqual([["a"], ["b", "c"], ["d", "e"]])
  })

  it("processes nothing after it was closed", async () => {
    const handled: string[] = []
    await using fixture = await serve({
      handler: (session) => ({
        handle: async ([command = ""]) => {
          handled.push(command)
          session.push([utf8("goodbye")])
          await new Promise((resolve) => setImmediate(resolve))
          session.close()
          return [utf8("too late")]
        },
      }),
    })
    const client = await fixture.connect()
    client.send("first")
    client.send("second")
    expect(await client.next()).toEqual(["goodbye"])
    await client.closed
    await until(() => fixture.ends.length === 1)
    expect([client.waiting, handled, fixture.ends]).toEqual([0, ["first"], ["closed"]])
  })

  it("lets slow commands be overtaken, and waits when there are too many", async () => {
    const gates = new Map<string, PromiseWithResolvers<Uint8Array>>()
    await using fixture = await serve({
      settings: { maxSlowCommands: 2 },
      handler: (session) => ({
        handle: ([command = ""]) => {
          if (!command.startsWith("slow")) return [utf8(command)]
          const gate = Promise.withResolvers<Uint8Array>()
          gates.set(command, gate)
          session.answerLater(command, gate.promise)
          return []
        },
      }),
    })
    const client = await fixture.connect()
    client.send("slow 1")
    client.send("fast")
    expect(await client.next()).toEqual(["fast"])
    client.send("slow 2")
    client.send("held back")
    await until(() => gates.size === 2 && fixture.metrics.commandsIn.value === 4)
    expect(client.waiting).toBe(0)
    gates.get("slow 2")?.resolve(utf8("second"))
    expect(await client.next()).toEqual(["second"])
    expect(await client.next()).toEqual(["held back"])
    gates.get("slow 1")?.resolve(utf8("first"))
    expect(await client.next()).toEqual(["first"])
  })

  it("stops reading while too many blocks wait to be processed", async () => {
    const gate = Promise.withResolvers<void>()
    await using fixture = await serve({
      settings: { maxReceivedBlocks: 2 },
      handler: () => ({
        handle: async (commands) => {
          await gate.promise
          return commands.map((command) => utf8(command))
        },
      }),
    })
    const client = await fixture.connect()
    for (let i = 0; i < 50; i++) client.send(`${i}`)
    await until(() => fixture.metrics.levels().paused === 1)
    // One is in progress, two wait; the rest is TCP's.
    expect(fixture.metrics.levels().receivedBlocks).toBe(2)
    expect(fixture.metrics.blocksIn.value).toBe(3)
    gate.resolve()
    for (let i = 0; i < 50; i++) expect(await client.next()).toEqual([`${i}`])
  })
})

describe("a peer that doesn't read", () => {
  /** A server whose session pushes until it is congested, and the session. */
  async function congested(settings: FixtureOptions & { answers?: SessionHandler<string>["handle"] }) {
    const sessions: ToySession[] = []
    let drained = 0
    const fixture = await serve({
      ...settings,
      settings: { maxSocketBlocks: 4, maxWaitingBatches: 8, ...settings.settings },
      handler: (session) => {
        sessions.push(session)
        return { drained: () => void drained++, ...(settings.answers && { handle: settings.answers }) }
      },
    })
    const client = await fixture.connect()
    await until(() => sessions.length === 1)
    if (settings.answers !== undefined) {
      client.send("asked before")
      await until(() => fixture.metrics.commandsIn.value === 1)
    }
    client.stream.pause()
    const [session] = sessions
    if (session === undefined) throw new Error("no session")
    let pushed = 0
    // Sockets of loopback take megabytes; only what they don't take counts.
    while (!session.congested) {
      session.push([utf8(FILL)])
      pushed++
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { fixture, client, session, pushed, drained: () => drained }
  }

  it("holds a bounded number of blocks and batches, and gets everything kept when it reads", async () => {
    const { fixture, client, session, pushed, drained } = await congested({})
    await using _ = fixture
    let kept = 0
    for (let i = 0; i < 20; i++) if (session.push([utf8(`${i} ${FILL}`)])) kept++
    expect(kept).toBe(8)
    expect(fixture.metrics.droppedBatches.value).toBe(12)
    expect(fixture.metrics.levels()).toMatchObject({ congested: 1, waitingBatches: 8, paused: 1 })
    client.stream.resume()
    for (let i = 0; i < pushed + kept; i++) expect(await client.next()).toHaveLength(1)
    await until(() => drained() === 1)
    expect(session.congested).toBe(false)
    client.send("and back")
    expect(await client.next()).toEqual(["and back"])
  })

  it("loses no answer, however many events wait", async () => {
    const gate = Promise.withResolvers<void>()
    const { fixture, client, session, pushed } = await congested({
      answers: async (commands) => {
        await gate.promise
        return commands.map((command) => utf8(command))
      },
    })
    await using _ = fixture
    while (session.push([utf8(FILL)]));
    gate.resolve()
    await until(() => fixture.metrics.levels().waitingBatches === 9)
    client.stream.resume()
    for (let i = 0; i < pushed + 8; i++) await client.next()
    expect(await client.next()).toEqual(["asked before"])
  })

  it("doesn't slow others down", async () => {
    const { fixture } = await congested({})
    await using _ = fixture
    const other = await fixture.connect()
    other.send("hello")
    expect(await other.next()).toEqual(["hello"])
  })

  it("is closed after a while", async () => {
    const clock = new ManualClock()
    const { fixture } = await congested({ clock, settings: { stallTimeout: 1_000 } })
    await using _ = fixture
    clock.advance(1_000)
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["stalled"])
  })
})
