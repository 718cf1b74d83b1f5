import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { type FixtureOptions, serve, TOY_BLOCK, type ToySession, toyProtocol, until } from "../test/toy.ts"
import type { SessionHandler } from "./session-handler.ts"

const UNWRITABLE = {
  length: 10,
  writeTo(): void {
    throw new Error("a mistake in an item")
  },
}
const TOO_LARGE = new Uint8Array(TOY_BLOCK)

function mistake(): never {
  throw new Error("a mistake")
}

/** A server with a defect in its sessions, which `command` brings out; another session must not notice. */
async function endsWithDefect(options: FixtureOptions, command = "hello"): Promise<void> {
  await using fixture = await serve(options)
  const client = await fixture.connect()
  client.send(command)
  await client.closed
  await until(() => fixture.metrics.closed.value === 1)
  expect(fixture.ends).toEqual(["defect"])
  expect(fixture.metrics.defects.value).toBe(1)
  expect(fixture.log.entries.filter(({ level }) => level === "error")).toHaveLength(1)
  expect(fixture.metrics.levels().connections.closing).toBe(0)
}

describe("a defect that costs the session", () => {
  const handlers: Record<string, (session: ToySession) => Partial<SessionHandler<string>>> = {
    "after an answer": () => ({ answered: mistake }),
    "in an item that is written late": () => ({ handle: () => [UNWRITABLE] }),
    "in an event that is written late": (session) => ({
      handle: () => {
        session.push([UNWRITABLE])
        return []
      },
    }),
    "in a slow answer that fits into no block": (session) => ({
      handle: ([command = ""]) => {
        session.answerLater(command, Promise.resolve(TOO_LARGE))
        return []
      },
    }),
  }
  it.each(Object.entries(handlers))("%s", (_, handler) => endsWithDefect({ handler }))

  it("in the protocol's decoder", () => endsWithDefect({ protocol: { ...toyProtocol, decode: mistake } }))

  it("in the answer to a defect", async () => {
    await using fixture = await serve({
      protocol: { ...toyProtocol, failure: mistake },
      handler: () => ({ handle: mistake }),
    })
    const client = await fixture.connect()
    client.send("hello")
    await client.closed
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["defect"])
    expect(fixture.metrics.defects.value).toBe(2)
  })

  it("when it is asked for its subscriptions", async () => {
    const clock = new ManualClock()
    await using fixture = await serve({
      clock,
      settings: { idleTimeout: 1_000, idleCheckInterval: 1_000 },
      handler: () => ({ subscribed: mistake }),
    })
    const client = await fixture.connect()
    client.send("hello")
    await client.next()
    clock.advance(1_000)
    await client.closed
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["defect"])
  })

  it("when congestion ends", async () => {
    let open: ToySession | undefined
    await using fixture = await serve({
      settings: { maxSocketBlocks: 2 },
      handler: (session) => {
        open = session
        return { drained: mistake }
      },
    })
    const client = await fixture.connect()
    await until(() => open !== undefined)
    while (open?.congested === false) open.push([utf8("event")])
    await client.closed
    await until(() => fixture.ends.length === 1)
    expect(fixture.ends).toEqual(["defect"])
  })

  it("when it begins", async () => {
    await using fixture = await serve({ extra: { sessions: mistake } })
    const client = await fixture.connect()
    await client.closed
    await until(() => fixture.metrics.closed.value === 1)
    expect(fixture.metrics.handshakeFailures.defect.value).toBe(1)
    expect(fixture.metrics.sessionsOpened.value).toBe(0)
  })
})

describe("a defect that costs an answer", () => {
  it("is answered when an answer fits into no block", async () => {
    await using fixture = await serve({
      handler: () => ({
        handle: ([command = ""]) => {
          if (command === "sync") return [utf8("never sent"), TOO_LARGE]
          return command === "async" ? Promise.resolve([TOO_LARGE]) : [utf8(command)]
        },
      }),
    })
    const client = await fixture.connect()
    for (const command of ["sync", "async", "fine"]) client.send(command)
    expect([await client.next(), await client.next(), await client.next()]).toEqual([
      ["failed sync"],
      ["failed async"],
      ["fine"],
    ])
    expect(fixture.metrics.defects.value).toBe(2)
  })

  it("is told to who pushes an event that fits into no block, and nothing is sent", async () => {
    const errors: unknown[] = []
    await using fixture = await serve({
      handler: (session) => ({
        handle: () => {
          try {
            session.push([utf8("never sent"), TOO_LARGE])
          } catch (error) {
            errors.push(error)
          }
          return [utf8("fine")]
        },
      }),
    })
    const client = await fixture.connect()
    client.send("hello")
    expect(await client.next()).toEqual(["fine"])
    expect(errors).toEqual([expect.any(RangeError)])
  })
})
