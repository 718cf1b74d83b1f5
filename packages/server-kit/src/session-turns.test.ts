import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { ManualLoop } from "../test/manual-loop.ts"
import { type FixtureOptions, serve, type ToySession, until } from "../test/toy.ts"
import { type SessionHandler, SHORT_UNIT } from "./session-handler.ts"
import { TURN_TIME } from "./turns.ts"

/** A server whose long blocks take a whole turn each, and turns are the test's; tells what it processed. */
async function served(options: FixtureOptions = {}) {
  const [clock, loop] = [new ManualClock(), new ManualLoop()]
  const done: string[] = []
  const fixture = await serve({
    clock,
    loop,
    ...options,
    handler: (session) => ({
      handle: (commands) => {
        done.push(nameOf(commands))
        if (commands.length > SHORT_UNIT) clock.advance(TURN_TIME)
        return [utf8(nameOf(commands))]
      },
      ...options.handler?.(session),
    }),
  })
  const received = (blocks: number): Promise<void> => until(() => fixture.metrics.blocksIn.value === blocks)
  return { fixture, loop, done, received }
}

function long(name: string): string[] {
  return Array.from({ length: SHORT_UNIT + 1 }, () => name)
}

function nameOf(commands: readonly string[]): string {
  return commands[0] ?? ""
}

describe("a long block", () => {
  it("waits for its turn in the order of all, and no short block of another session waits for it", async () => {
    const { fixture, loop, done, received } = await served()
    await using _ = fixture
    const long1 = await fixture.connect()
    const long2 = await fixture.connect()
    const short = await fixture.connect()
    long1.send(...long("long 1"))
    await received(1)
    long2.send(...long("long 2"))
    await received(2)
    short.send(...long("short").slice(1))
    expect(await short.next()).toEqual(["short"])
    expect(done).toEqual(["short"])
    await loop.turn()
    expect(await long1.next()).toEqual(["long 1"])
    expect(done).toEqual(["short", "long 1"])
    await loop.turn()
    expect(await long2.next()).toEqual(["long 2"])
  })

  it("keeps its place among the blocks of its own session", async () => {
    const { fixture, loop, done, received } = await served()
    await using _ = fixture
    const client = await fixture.connect()
    for (const block of [["a"], long("b"), ["c"], long("d"), ["e"]]) client.send(...block)
    await received(5)
    expect(done).toEqual(["a"])
    await loop.turn()
    expect(done).toEqual(["a", "b", "c"])
    await loop.turn()
    expect(done).toEqual(["a", "b", "c", "d", "e"])
    for (const name of ["a", "b", "c", "d", "e"]) expect(await client.next()).toEqual([name])
  })

  it("counts among the blocks that stop the reading while they wait", async () => {
    const { fixture, loop, done, received } = await served({ settings: { maxReceivedBlocks: 2 } })
    await using _ = fixture
    const client = await fixture.connect()
    for (let i = 0; i < 20; i++) client.send(...long(`${i}`))
    await until(() => fixture.metrics.levels().paused === 1)
    expect(fixture.metrics.levels().receivedBlocks).toBe(2)
    for (let i = 0; i < 20; i++) {
      await until(() => loop.awaited)
      await loop.turn()
      expect(await client.next()).toEqual([`${i}`])
    }
    await received(20)
    expect(done).toHaveLength(20)
  })

  it("pauses between its parts for short blocks of others, and goes on before other long ones", async () => {
    const done: string[] = []
    const clock = new ManualClock()
    const inParts = (session: ToySession): Partial<SessionHandler<string>> => ({
      handle: async (commands) => {
        for (const [index, command] of commands.entries()) {
          if (index > 0 && index % SHORT_UNIT === 0) await session.turn()
          if (index % SHORT_UNIT === 0) done.push(command)
          clock.advance(1)
        }
        return [utf8(nameOf(commands))]
      },
    })
    const { fixture, loop, received } = await served({ clock, handler: inParts })
    await using _ = fixture
    const [one, two, other] = [await fixture.connect(), await fixture.connect(), await fixture.connect()]
    one.send(...long("one"))
    await received(1)
    two.send(...long("two"))
    await received(2)
    await loop.turn()
    expect(done).toEqual(["one"])
    other.send("short")
    expect(await other.next()).toEqual(["short"])
    await loop.turn()
    await loop.turn()
    await loop.turn()
    expect(done).toEqual(["one", "short", "one", "two", "two"])
    expect([await one.next(), await two.next()]).toEqual([["one"], ["two"]])
  })

  it("is not processed when its session has ended, and holds up nobody behind it", async () => {
    const { fixture, loop, done, received } = await served()
    await using _ = fixture
    const [gone, stays] = [await fixture.connect(), await fixture.connect()]
    gone.send(...long("gone"))
    await received(1)
    stays.send(...long("stays"))
    await received(2)
    gone.stream.destroy()
    await until(() => fixture.ends.length === 1)
    await loop.turn()
    expect(await stays.next()).toEqual(["stays"])
    expect(done).toEqual(["stays"])
  })

  it("is finished before a session that is drained ends", async () => {
    const { fixture, loop, received } = await served()
    await using _ = fixture
    const client = await fixture.connect()
    client.send(...long("last"))
    await received(1)
    const stopped = fixture.server.stop(new AbortController().signal)
    expect(fixture.ends).toEqual([])
    await loop.turn()
    expect(await client.next()).toEqual(["last"])
    await stopped
    expect(fixture.ends).toEqual(["drained"])
  })

  it("waits again when its peer doesn't read at its turn", async () => {
    const sessions: ToySession[] = []
    const handler = (session: ToySession): Partial<SessionHandler<string>> => {
      sessions.push(session)
      return {}
    }
    const { fixture, loop, done, received } = await served({ handler, settings: { maxSocketBlocks: 4 } })
    await using _ = fixture
    const client = await fixture.connect()
    await until(() => sessions.length === 1)
    client.stream.pause()
    client.send(...long("long"))
    await received(1)
    let events = 0
    for (; sessions[0]?.congested === false; events++) {
      sessions[0].push([utf8("x".repeat(400))])
      await new Promise((resolve) => setImmediate(resolve))
    }
    await loop.turn()
    expect([done, loop.awaited]).toEqual([[], false])
    client.stream.resume()
    for (; events > 0; events--) await client.next()
    await until(() => loop.awaited)
    await loop.turn()
    expect(await client.next()).toEqual(["long"])
  })

  it("that fails in its turn costs its commands their answers", async () => {
    const handler = (): Partial<SessionHandler<string>> => ({
      handle: (commands) => {
        if (commands.length > 1) throw new Error("defect")
        return [utf8("fine")]
      },
    })
    const { fixture, loop, received } = await served({ handler })
    await using _ = fixture
    const client = await fixture.connect()
    client.send(...long("a"))
    client.send("b")
    await received(2)
    await loop.turn()
    expect(await client.next()).toEqual(long("failed a"))
    expect(await client.next()).toEqual(["fine"])
    expect(fixture.metrics.defects.value).toBe(1)
  })
})
