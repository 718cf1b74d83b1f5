import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Party, STARTS, startConversation } from "../test/parties.ts"
import { MAX_SKIP } from "./skipped.ts"

// Two parties over a network that delays, reorders, repeats and loses messages, while both restart from their stores.

type Action =
  | { readonly type: "send"; readonly by: 0 | 1; readonly pq: boolean | undefined }
  /** Delivers the message at this place among those on their way, and perhaps leaves it there to come again. */
  | { readonly type: "deliver"; readonly place: number; readonly again: boolean }
  | { readonly type: "lose"; readonly place: number }
  | { readonly type: "restart"; readonly by: 0 | 1 }

const side = fc.constantFrom(0 as const, 1 as const)
const choice = fc.constantFrom(undefined, undefined, true, false)
const place = fc.nat(1000)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("send" as const), by: side, pq: choice }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("deliver" as const), place, again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("lose" as const), place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), by: side }) },
)

const version = fc.constantFrom(2, 3)

interface InFlight {
  readonly to: Party
  readonly text: string
  readonly packet: Uint8Array
  received: boolean
}

/** Whether the message of this packet was accepted; checks that it is the right one, and accepted only once. */
function deliver(message: InFlight): void {
  const { to, text, packet } = message
  const before = structuredClone(to.state)
  const [held, skipped] = [to.state, to.skipped]
  const result = to.receive(packet)
  expect(held).toEqual(before)
  if (!message.received) {
    expect(result).toBe(text)
    message.received = true
    return
  }
  expect(["DUPLICATE", "EARLIER", "HEADER"]).toContain(typeof result === "string" ? result : result.code)
  expect(to.skipped).toBe(skipped)
}

describe("any schedule", () => {
  it("delivers every message that arrives, once, whatever the versions and choices of PQ", () => {
    const scenario = fc.record({
      start: fc.constantFrom(...STARTS),
      max: fc.tuple(version, version),
      actions: fc.array(action, { minLength: 10, maxLength: 50 }),
    })
    fc.assert(
      fc.property(scenario, ({ start, max, actions }) => {
        const { joiner, initiator } = startConversation(start, { max })
        const parties = [joiner, initiator] as const
        const network: InFlight[] = []
        for (const [number, step] of actions.entries()) {
          if (step.type === "restart") {
            parties[step.by].restart()
          } else if (step.type === "send") {
            const from = parties[step.by]
            if (from.state.sending === undefined) continue
            const [to, text] = [parties[1 - step.by] as Party, `${number}`]
            const message = { to, text, packet: from.send(text, step.pq), received: false }
            network.push(message)
            // The headers after this one no longer hold the secret that its chain was made with, so one of the
            // headers before has to come first. That is the protocol's (ratchet.md §5), see README.
            if (step.pq === false) deliver(message)
          } else if (network.length > 0) {
            const at = step.place % network.length
            const [message] = step.type === "deliver" && step.again ? [network[at]] : network.splice(at, 1)
            if (message !== undefined && step.type === "deliver") deliver(message)
          }
        }
        for (const message of network) deliver(message)
      }),
      { numRuns: 60 },
    )
  })

  it("never uses a message key twice", () => {
    fc.assert(
      fc.property(fc.array(side, { minLength: 1, maxLength: 30 }), (order) => {
        const { joiner, initiator } = startConversation("accepted")
        const seen = new Set<string>()
        for (const by of [0, ...order]) {
          const [from, to] = by === 0 ? [joiner, initiator] : [initiator, joiner]
          const packet = from.send("same text every time")
          expect(seen.has(String(packet.subarray(0, 60)))).toBe(false)
          seen.add(String(packet.subarray(0, 60)))
          to.receive(packet)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe("skipped messages", () => {
  it(`are kept up to ${MAX_SKIP} in a row, and one more is an error that costs nothing`, () => {
    const { joiner, initiator } = startConversation("no KEM")
    initiator.receive(joiner.send("first"))
    const packets = Array.from({ length: MAX_SKIP + 2 }, (_, i) => joiner.send(`${i}`))
    const [inReach, beyond] = packets.slice(-2) as [Uint8Array, Uint8Array]
    expect(initiator.receive(beyond)).toEqual({ code: "TOO_MANY_SKIPPED", count: MAX_SKIP + 2 })
    expect(initiator.skipped).toEqual([])
    expect(initiator.receive(inReach)).toBe(`${MAX_SKIP}`)
    expect(initiator.skipped[0]?.keys.size).toBe(MAX_SKIP)
    expect(packets.slice(0, MAX_SKIP).map((packet) => initiator.receive(packet))).toEqual(
      packets.slice(0, MAX_SKIP).map((_, i) => `${i}`),
    )
    expect(initiator.skipped).toEqual([])
  })

  it("too many in the new chain: the step is kept, and so are the keys of the old chain", () => {
    const { joiner, initiator } = startConversation("no KEM")
    initiator.receive(joiner.send("first"))
    const late = joiner.send("late")
    joiner.receive(initiator.send("reply"))
    const packets = Array.from({ length: MAX_SKIP + 2 }, (_, i) => joiner.send(`${i}`))
    expect(initiator.receive(packets.at(-1) ?? late)).toEqual({ code: "TOO_MANY_SKIPPED", count: MAX_SKIP + 2 })
    expect(initiator.receive(late)).toBe("late")
    expect(initiator.receive(packets[0] ?? late)).toBe("0")
  })
})
