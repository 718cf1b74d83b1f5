import { describe, expect, it } from "vitest"
import { type Conversation, startConversation } from "../test/parties.ts"
import { realCrypto } from "../test/replay.ts"

// The PQ switching cases of ratchet.md §12. A line is: who sends, the choice, whether a KEM secret protects the message.
type Line = readonly [sender: "j" | "i", choice: boolean | undefined, protectedByKem: boolean]

function play({ joiner, initiator }: Conversation, lines: readonly Line[]): void {
  const played = lines.map(([sender, choice]): Line => {
    const [from, to] = sender === "j" ? [joiner, initiator] : [initiator, joiner]
    expect(to.receive(from.send("text", choice))).toBe("text")
    expect(to.pq).toBe(from.pq)
    return [sender, choice, from.pq]
  })
  expect(played).toEqual(lines)
}

/**
 * The same sequence where "on" is said only when it changes. "Off" is repeated: a step that still receives with a KEM
 * secret turns it on again (ratchet.md §7, last rule).
 */
function withoutRepetition(lines: readonly Line[]): Line[] {
  const last: { j?: boolean | undefined; i?: boolean | undefined } = { j: true, i: true }
  return lines.map(([sender, choice, expected]) => {
    const repeated = choice === true && last[sender] === true
    last[sender] = choice
    return [sender, repeated ? undefined : choice, expected]
  })
}

const FROM_ACCEPTED: readonly Line[] = [
  ["j", true, true],
  ["i", true, true],
  ["j", true, true],
  // One side turns it off; the other is still on in its next message, then both are off.
  ["i", false, true],
  ["j", true, true],
  ["i", false, false],
  ["j", true, false],
  ["i", false, false],
  // The joiner alone, which still wants it, does not get it.
  ["j", true, false],
  ["i", false, false],
  // Both want it: proposal, acceptance, next step.
  ["j", true, false],
  ["i", true, false],
  ["j", true, false],
  ["i", true, true],
  ["j", true, true],
  ["i", true, true],
]

describe("§12 PQ switching, start: accepted", () => {
  it("with a choice for each message, and the real KEM", () => {
    play(startConversation("accepted", { c: realCrypto }), FROM_ACCEPTED)
  })
})

describe("§12 PQ switching, start: no KEM", () => {
  it("stays off without a choice", () => {
    const lines = [..."jijiji"].map((sender): Line => [sender as "j", undefined, false])
    play(startConversation("no KEM"), lines)
  })

  it("is on after three changes of direction, and off for both within two", () => {
    play(startConversation("no KEM"), [
      ["j", true, false],
      ["i", true, false],
      ["j", true, false],
      ["i", true, true],
      ["j", true, true],
      ["i", undefined, true],
      ["j", false, true],
      ["i", undefined, true],
      ["j", undefined, false],
      ["i", undefined, false],
    ])
  })

  it("does not go on by one side alone", () => {
    const lines = Array.from({ length: 10 }, (_, i): Line => (i % 2 === 0 ? ["j", true, false] : ["i", false, false]))
    play(startConversation("no KEM"), lines)
  })
})

describe("§12 PQ switching, start: proposed", () => {
  it.each(["proposed", "proposed by both"] as const)("%s: the first reply accepts", (start) => {
    play(startConversation(start), [
      ["j", undefined, false],
      ["i", undefined, true],
      ["j", undefined, true],
      ["i", undefined, true],
    ])
  })
})

describe("§12 PQ switching, with and without repeating the choice", () => {
  // Both sides turn it off and on again: a choice of one side alone is forgotten at its next step.
  const lines: readonly Line[] = [
    ["j", true, true],
    ["i", true, true],
    ["j", false, true],
    ["i", true, true],
    ["j", false, false],
    ["i", false, false],
    ["j", true, false],
    ["i", true, false],
    ["j", true, false],
    ["i", true, true],
    ["j", true, true],
  ]

  it.each([
    ["with", lines],
    ["without", withoutRepetition(lines)],
  ])("%s", (_, sequence) => play(startConversation("accepted"), sequence))
})

describe("§12 PQ switching in a conversation of version 2", () => {
  it("asking for PQ raises the version where the other side has it too", () => {
    const conversation = startConversation("no KEM", { max: [3, 3] })
    for (const party of [conversation.joiner, conversation.initiator]) {
      party.state = { ...party.state, version: { current: 2, max: 2 } }
    }
    play(conversation, [
      ["j", true, false],
      ["i", true, false],
      ["j", true, false],
      ["i", true, true],
      ["j", true, true],
    ])
    expect(conversation.joiner.state.version.current).toBe(3)
  })
})

describe("PQ turned off in the middle of a chain", () => {
  it("costs the ratchet if no header from before comes first, as the protocol has it", () => {
    const { joiner, initiator } = startConversation("accepted")
    joiner.send("lost, the last with the ciphertext", false)
    expect(initiator.receive(joiner.send("without it"))).toEqual({ code: "DECRYPT" })
  })

  it("costs nothing if one does", () => {
    const { joiner, initiator } = startConversation("accepted")
    expect(initiator.receive(joiner.send("with it"))).toBe("with it")
    joiner.send("lost", false)
    expect(initiator.receive(joiner.send("without it"))).toBe("without it")
  })
})
