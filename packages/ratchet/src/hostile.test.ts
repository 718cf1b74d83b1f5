import { publicKey } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Party, startConversation, toyCrypto } from "../test/parties.ts"
import { problemThrown } from "../test/reference.ts"
import { decrypt } from "./decrypt.ts"
import { decodeE2eParams, encodeE2eParams } from "./e2e-params.ts"
import { formatE2eInvitation, parseE2eInvitation } from "./e2e-uri.ts"
import { encrypt, prepareMessage } from "./encrypt.ts"
import { decodePacket, encodeHeader, encodePacket, sealHeader } from "./header.ts"
import { acceptRatchet, joinRatchet } from "./init.ts"
import { joinerKeys, proposeKeys, publicInvitation, publicParams } from "./keys.ts"
import { decodeMessageKey, encodeMessageKey } from "./message-key.ts"
import { MAX_SKIP, NO_SKIPPED } from "./skipped.ts"
import { ratchetFromJson, ratchetToJson } from "./state-json.ts"
import {
  decodeOwnKeys,
  decodeRatchet,
  decodeSkippedKey,
  encodeOwnKeys,
  encodeRatchet,
  encodeSkippedKey,
} from "./storage.ts"

const c = toyCrypto

/** A party in the middle of a conversation that holds skipped keys of two chains, and a packet for it. */
function busy(): { party: Party; packet: Uint8Array } {
  const { joiner, initiator } = startConversation("accepted")
  joiner.send("lost")
  initiator.receive(joiner.send("first"))
  joiner.receive(initiator.send("reply"))
  joiner.send("lost too")
  initiator.receive(joiner.send("second"))
  return { party: initiator, packet: joiner.send("third") }
}

/** The same bytes with one of them replaced by another value. */
const change = fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) })
function changed(bytes: Uint8Array, { at, by }: { at: number; by: number }): Uint8Array {
  const copy = bytes.slice()
  const index = at % copy.length
  copy[index] = (copy[index] ?? 0) ^ by
  return copy
}

describe("packets of others", () => {
  it("change nothing, and are one of two errors", () => {
    const { party } = busy()
    const { state, skipped } = party
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (packet) => {
        const result = party.tryReceive(packet)
        expect(result.ok || result.problem.code).toMatch(/^HEADER(_SYNTAX)?$/)
        expect(party.state).toBe(state)
        expect(party.skipped).toBe(skipped)
      }),
      { numRuns: 300 },
    )
  })

  it("changed in the header: nothing changes", () => {
    const { party, packet } = busy()
    const { state, skipped } = party
    // All but the lengths and version in front, which the header's tag does not cover.
    const end = 2 + decodePacket(packet).encHeader.length
    fc.assert(
      fc.property(change, (edit) => {
        const broken = packet.slice()
        broken.set(changed(packet.subarray(4, end), edit), 4)
        const result = party.tryReceive(broken)
        expect(result.ok || result.problem.code).toMatch(/^HEADER(_SYNTAX)?$/)
        expect(party.state).toBe(state)
        expect(party.skipped).toBe(skipped)
      }),
      { numRuns: 200 },
    )
  })

  it("changed in the body: the message is lost, later ones are not", () => {
    fc.assert(
      fc.property(change, (edit) => {
        const { joiner, initiator } = startConversation("no KEM")
        const packet = joiner.send("x")
        const start = 2 + decodePacket(packet).encHeader.length
        const broken = packet.slice()
        broken.set(changed(packet.subarray(start), edit), start)
        expect(initiator.receive(broken)).toEqual({ code: "DECRYPT" })
        expect(initiator.receive(joiner.send("y"))).toBe("y")
      }),
      { numRuns: 20 },
    )
  })

  it("changed in the length or version: never accepted", () => {
    fc.assert(
      fc.property(change, ({ at, by }) => {
        const { party, packet } = busy()
        expect(party.tryReceive(changed(packet, { at: at % 4, by })).ok).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it("cut off anywhere: never accepted", () => {
    const { party, packet } = busy()
    const end = 2 + decodePacket(packet).encHeader.length + 16
    for (let length = 0; length < end; length += 7) {
      expect(party.tryReceive(packet.subarray(0, length)).ok).toBe(false)
    }
  })
})

describe("buffers that are used again", () => {
  it("do not change a state", () => {
    const own = proposeKeys(c, true)
    const joining = joinerKeys(c, publicInvitation(own, { min: 2, max: 3 }), 3, true)
    const invitation = encodeE2eParams(publicParams(own, 3)).slice()
    const confirmation = encodeE2eParams(publicParams(joining, 3)).slice()
    const joiner = joinRatchet(c, joining, decodeE2eParams(invitation), { current: 3, max: 3 })
    let initiator = acceptRatchet(c, own, decodeE2eParams(confirmation), 3, true)
    const states = structuredClone([joiner, initiator])
    invitation.fill(0)
    confirmation.fill(0)
    expect([joiner, initiator]).toEqual(states)

    const packet = encrypt(c, joiner, new Uint8Array(5), 100).packet.slice()
    initiator = decrypt(c, initiator, NO_SKIPPED, packet).state
    const after = structuredClone(initiator)
    packet.fill(0)
    expect(initiator).toEqual(after)
  })
})

describe("a peer that holds the keys", () => {
  it("can not pass off a key of low order: an error, and the state stays", () => {
    const { joiner, initiator } = startConversation("no KEM")
    const dh = { ...joiner.state.dh, publicKey: publicKey("x448", new Uint8Array(56)) }
    joiner.state = { ...joiner.state, dh }
    const { state } = initiator
    expect(initiator.receive(joiner.send("x"))).toEqual({ code: "LOW_ORDER_KEY" })
    expect(initiator.state).toBe(state)
  })

  it("can not accept a KEM key that was never proposed: an error, and the state stays", () => {
    const { joiner, initiator } = startConversation("no KEM")
    const other = startConversation("accepted").joiner.state.kem
    joiner.state = { ...joiner.state, kem: other, supportKem: true }
    const { state } = initiator
    expect(initiator.receive(joiner.send("x"))).toEqual({ code: "KEM_STATE" })
    expect(initiator.state).toBe(state)
  })

  it("can send any header: a declared problem, and unless keys were used up the state stays", () => {
    const dh = fc.uint8Array({ minLength: 56, maxLength: 56 })
    const counter = fc.oneof(fc.nat(600), fc.constant(2 ** 32 - 1), fc.nat())
    const fields = fc.record({ dh, previousCount: counter, number: counter, maxVersion: fc.nat(65_535) })
    const header = fc.oneof(
      fc.uint8Array({ maxLength: 86 }),
      fields.map(({ dh, ...rest }) => encodeHeader({ ...rest, dh: publicKey("x448", dh), kem: undefined }, 3)),
    )
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), fc.boolean(), (bytes, body, next) => {
        const { joiner, initiator } = startConversation("no KEM")
        initiator.receive(joiner.send("first"))
        const { state } = initiator
        const headerKey = next ? state.nextReceivingHeaderKey : state.receiving?.headerKey
        if (headerKey === undefined) throw new Error("no receiving chain")
        const keys = { headerKey, iv: new Uint8Array(16), associatedData: state.associatedData }
        const packet = encodePacket(3, sealHeader(c, bytes, keys, 3, false), new Uint8Array(16), body)
        const result = initiator.tryReceive(packet)
        expect(result.ok).toBe(false)
        if (result.ok) return
        const { code } = result.problem
        if (["HEADER", "HEADER_SYNTAX", "KEM_STATE", "LOW_ORDER_KEY"].includes(code)) {
          expect(result.state).toBe(state)
          expect(result.skipped).toEqual({ type: "none" })
        } else {
          expect(["DUPLICATE", "EARLIER", "TOO_MANY_SKIPPED", "DECRYPT"]).toContain(code)
        }
        const added = result.skipped.type === "add" ? result.skipped.keys.length : 0
        expect(added).toBeLessThanOrEqual(2 * MAX_SKIP)
      }),
      { numRuns: 100 },
    )
  })

  it("can not set up a ratchet with a key of low order", () => {
    const own = proposeKeys(c, false)
    const low = publicKey("x448", new Uint8Array(56))
    const peer = { version: 3, key1: own.key1.publicKey, key2: low, kem: undefined }
    expect(problemThrown(() => joinRatchet(c, own, peer, { current: 3, max: 3 }))).toEqual({ code: "LOW_ORDER_KEY" })
    expect(problemThrown(() => acceptRatchet(c, own, peer, 3, false))).toEqual({ code: "LOW_ORDER_KEY" })
  })
})

/** Runs a decoder on what it was not made for: it gives a value or throws `DecodeError`, nothing else. */
function total(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
  }
}

describe("decoders", () => {
  const own = proposeKeys(c, true)
  const invitation = publicInvitation(own, { min: 2, max: 3 })
  const joined = joinerKeys(c, invitation, 3, true)
  const { party } = busy()
  const [skippedKey] = party.skipped.flatMap(({ keys }) => [...keys.values()])
  if (skippedKey === undefined) throw new Error("no skipped key")
  const { key } = prepareMessage(c, party.state)
  const forms = {
    decodeE2eParams: [decodeE2eParams, encodeE2eParams(publicParams(joined, 3))],
    decodeRatchet: [decodeRatchet, encodeRatchet(party.state)],
    decodeOwnKeys: [decodeOwnKeys, encodeOwnKeys(joined)],
    decodeSkippedKey: [decodeSkippedKey, encodeSkippedKey(skippedKey)],
    decodeMessageKey: [decodeMessageKey, encodeMessageKey(key)],
  } as const

  it.each(Object.entries(forms))("%s is total, and exact about its length", (_, [decode, bytes]) => {
    expect(decode(bytes)).toBeDefined()
    expect(() => decode(bytes.subarray(0, bytes.length - 1))).toThrow(DecodeError)
    expect(() => decode(new Uint8Array([...bytes, 0]))).toThrow(DecodeError)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (junk) => total(() => decode(junk))))
    fc.assert(fc.property(change, (edit) => total(() => decode(changed(bytes, edit)))))
  })

  it("what is stored comes back", () => {
    expect(decodeOwnKeys(encodeOwnKeys(joined))).toEqual(joined)
    expect(decodeSkippedKey(encodeSkippedKey(skippedKey))).toEqual(skippedKey)
    expect(decodeMessageKey(encodeMessageKey(key))).toEqual(key)
  })

  it("of the text form are total", () => {
    const text = formatE2eInvitation(invitation)
    fc.assert(fc.property(fc.string(), (junk) => total(() => parseE2eInvitation(junk))))
    fc.assert(
      fc.property(fc.nat(text.length), fc.string({ maxLength: 3 }), (at, inserted) =>
        total(() => parseE2eInvitation(text.slice(0, at) + inserted + text.slice(at + 1))),
      ),
    )
  })

  it("of the reference's JSON are total", () => {
    const good = ratchetToJson(party.state)
    const names = Object.keys(good)
    fc.assert(fc.property(fc.jsonValue(), (junk) => total(() => ratchetFromJson(c, junk))))
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, junk) =>
        total(() => ratchetFromJson(c, { ...good, [name]: junk })),
      ),
    )
  })
})
