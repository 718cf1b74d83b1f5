import { equalBytes, fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, it } from "vitest"
import { type Party, STARTS, type Start, startConversation, toyCrypto } from "../test/parties.ts"
import { problemThrown } from "../test/reference.ts"
import { realCrypto } from "../test/replay.ts"
import { decodeE2eParams, type E2eParams, encodeE2eParams } from "./e2e-params.ts"
import { encrypt } from "./encrypt.ts"
import { decodeHeader, encodeHeader, packetOverhead } from "./header.ts"
import { joinRatchet } from "./init.ts"
import { readKemParams, writeKemParams } from "./kem-params.ts"
import { joinerKeys, proposeKeys, publicInvitation, publicParams } from "./keys.ts"
import { ratchetFromJson, ratchetToJson } from "./state-json.ts"
import { x3dhInitiator, x3dhJoiner } from "./x3dh.ts"

// The acceptance cases of ratchet.md §12, by its headings and numbers.

const c = realCrypto
const ALL: readonly Start[] = [...STARTS, "rejected"]

/** Sends a text and has it received at once. */
function pass(from: Party, to: Party, text: string): void {
  expect(to.receive(from.send(text))).toBe(text)
}

describe("§12 round trips", () => {
  const proposing = proposeKeys(c, true)
  const accepting = joinerKeys(c, publicInvitation(proposing, { min: 2, max: 3 }), 3, true)
  const kems = {
    none: undefined,
    proposed: publicParams(proposing, 3).kem,
    accepted: publicParams(accepting, 3).kem,
  }
  const cases = [2, 3].flatMap((version) => Object.entries(kems).map(([name, kem]) => ({ version, name, kem })))

  it.each(cases)("header and parameters of version $version, KEM $name", ({ version, kem }) => {
    const expected = version >= 3 ? kem : undefined
    const { key1, key2 } = publicParams(proposing, version)
    const params: E2eParams = { version, key1, key2, kem }
    expect(decodeE2eParams(encodeE2eParams(params))).toEqual({ ...params, kem: expected })
    const header = { maxVersion: 3, dh: key1, kem, previousCount: 7, number: 2 ** 32 - 1 }
    expect(decodeHeader(encodeHeader(header, version), version)).toEqual({ ...header, kem: expected })
    if (kem !== undefined) {
      expect(
        decodeWhole(
          encodeWith((w) => writeKemParams(w, kem)),
          readKemParams,
        ),
      ).toEqual(kem)
    }
  })
})

describe("§12 X3DH and KEM agreement", () => {
  const plain = proposeKeys(c, false)
  const proposing = proposeKeys(c, true)
  const other = proposeKeys(c, true)
  const invited = (keys: typeof plain) => publicInvitation(keys, { min: 2, max: 3 })

  /** Both sides' secrets. */
  const agree = (initiator: typeof plain, joiner: typeof plain) => [
    x3dhInitiator(c, initiator, publicParams(joiner, 3)),
    x3dhJoiner(c, joiner, publicParams(initiator, 3)),
  ]

  it("without KEM both sides get the same", () => {
    const [a, b] = agree(plain, joinerKeys(c, invited(plain), 3, false))
    expect(a).toEqual(b)
  })

  it("proposed only in the reply: no secret yet", () => {
    const joiner = joinerKeys(c, invited(plain), 3, true)
    expect(joiner.kem?.accepted).toBeUndefined()
    const [a, b] = agree(plain, joiner)
    expect(a).toEqual(b)
    expect(a?.accepted).toBeUndefined()
  })

  it("proposed and accepted: equal secrets", () => {
    const [a, b] = agree(proposing, joinerKeys(c, invited(proposing), 3, true))
    expect(a?.accepted?.sharedSecret.length).toBe(32)
    expect(a?.accepted?.sharedSecret).toEqual(b?.accepted?.sharedSecret)
    expect({ ...a, accepted: 0 }).toEqual({ ...b, accepted: 0 })
  })

  it("proposed and rejected: no KEM", () => {
    const joiner = joinerKeys(c, invited(proposing), 3, false)
    expect(joiner.kem).toBeUndefined()
    const [a, b] = agree(proposing, joiner)
    expect(a).toEqual(b)
    expect(a?.accepted).toBeUndefined()
  })

  it("proposed to a joiner of version 2: no KEM", () => {
    expect(joinerKeys(c, invited(proposing), 2, true).kem).toBeUndefined()
  })

  it("proposed by both: no secret yet", () => {
    const [a, b] = agree(proposing, other)
    expect(a).toEqual(b)
    expect(a?.accepted).toBeUndefined()
  })

  it("accepted without proposal: KEM state error on both sides", () => {
    const accepting = joinerKeys(c, invited(proposing), 3, true)
    expect(problemThrown(() => x3dhInitiator(c, plain, publicParams(accepting, 3)))).toEqual({ code: "KEM_STATE" })
    expect(problemThrown(() => x3dhJoiner(c, accepting, publicParams(plain, 3)))).toEqual({ code: "KEM_STATE" })
    expect(problemThrown(() => invited(accepting))).toEqual({ code: "KEM_STATE" })
  })
})

describe.each(ALL)("§12 conversation, start: %s", (start) => {
  it("case 1: the initiator can not send first", () => {
    const { initiator } = startConversation(start)
    expect(problemThrown(() => initiator.send("too early"))).toEqual({ code: "NO_SENDING_CHAIN" })
  })

  it("case 1: alternating, with the real KEM", () => {
    const { joiner, initiator } = startConversation(start, { c: realCrypto })
    for (let i = 0; i < 3; i++) {
      pass(joiner, initiator, `from the joiner ${i}`)
      pass(initiator, joiner, `from the initiator ${i}`)
    }
  })

  it("case 1: three messages each way in flight at the same time", () => {
    const { joiner, initiator } = startConversation(start)
    pass(joiner, initiator, "first")
    const texts = ["1", "2", "3"]
    for (let round = 0; round < 3; round++) {
      const there = texts.map((text) => joiner.send(text))
      const back = texts.map((text) => initiator.send(text))
      expect(there.map((packet) => initiator.receive(packet))).toEqual(texts)
      expect(back.map((packet) => joiner.receive(packet))).toEqual(texts)
    }
  })

  it("case 2: 1, 2, 3 received as 3, 2, 1, then 3 again", () => {
    const { joiner, initiator } = startConversation(start)
    const [one, two, three] = ["1", "2", "3"].map((text) => joiner.send(text)) as [Uint8Array, Uint8Array, Uint8Array]
    expect([three, two, one].map((packet) => initiator.receive(packet))).toEqual(["3", "2", "1"])
    expect(initiator.receive(three)).toEqual({ code: "DUPLICATE" })
    expect(initiator.receive(two)).toEqual({ code: "EARLIER", count: 1 })
    expect(initiator.skipped).toEqual([])
  })

  it("case 3: 15 messages with changing direction", () => {
    const { joiner, initiator } = startConversation(start)
    for (const [i, letter] of [..."jjijiijjjiijiij"].entries()) {
      if (letter === "j") pass(joiner, initiator, `message ${i}`)
      else pass(initiator, joiner, `message ${i}`)
    }
  })

  it("case 4: messages kept back over several advances; used keys are gone", () => {
    const { joiner, initiator } = startConversation(start)
    const late: Uint8Array[] = []
    for (let round = 0; round < 4; round++) {
      late.push(joiner.send(`late ${round}`))
      pass(joiner, initiator, "there")
      pass(initiator, joiner, "back")
    }
    expect(late.map((packet) => initiator.receive(packet))).toEqual(late.map((_, round) => `late ${round}`))
    const state = initiator.state
    expect(initiator.receive(late[0] ?? new Uint8Array())).toEqual({ code: "HEADER" })
    expect(initiator.state).toBe(state)
    expect(initiator.skipped).toEqual([])
  })

  it("case 5: every message of one version and flag has the same size", () => {
    const { joiner, initiator } = startConversation(start, { paddedLength: 1000 })
    for (const text of ["", "x", "y".repeat(998)]) {
      for (const [from, to] of [[joiner, initiator] as const, [initiator, joiner] as const]) {
        if (from.state.sending === undefined) pass(to, from, "first")
        const { version, supportKem } = from.state
        const packet = from.send(text)
        expect(packet.length).toBe(packetOverhead(version.current, supportKem) + 1000)
        expect(to.receive(packet)).toBe(text)
      }
    }
    expect(problemThrown(() => joiner.send("z".repeat(999)))).toEqual({ code: "LARGE_MESSAGE" })
  })
})

describe("§12 case 5: sizes in full", () => {
  it.each([
    { version: 2, support: false, bytes: 1 + 123 + 16 },
    { version: 2, support: true, bytes: 1 + 123 + 16 },
    { version: 3, support: false, bytes: 2 + 124 + 16 },
    { version: 3, support: true, bytes: 2 + 2346 + 16 },
  ])("version $version, support $support", ({ version, support, bytes }) => {
    expect(packetOverhead(version, support)).toBe(bytes)
  })
})

describe("§12 state", () => {
  it.each(ALL)("round trip of both forms, start: %s", (start) => {
    const { joiner, initiator } = startConversation(start)
    for (let i = 0; i < 3; i++) {
      pass(joiner, initiator, "there")
      pass(initiator, joiner, "back")
      for (const party of [joiner, initiator]) {
        const before = party.state
        party.restart()
        expect(party.state).toEqual(before)
        expect(ratchetFromJson(toyCrypto, JSON.parse(JSON.stringify(ratchetToJson(before))))).toEqual(before)
      }
    }
  })

  it("an old state without KEM fields loads with PQ off and goes on", () => {
    const { joiner, initiator } = startConversation("no KEM", { max: [2, 2] })
    pass(joiner, initiator, "first")
    for (const party of [joiner, initiator]) {
      const { rcSupportKEM, rcEnableKEM, rcSndKEM, rcRcvKEM, ...old } = ratchetToJson(party.state)
      expect([rcSupportKEM, rcEnableKEM, rcSndKEM, rcRcvKEM]).toEqual([false, false, false, false])
      party.state = ratchetFromJson(toyCrypto, old)
    }
    pass(initiator, joiner, "after the update")
    pass(joiner, initiator, "and back")
  })
})

describe("§11 values computed by hand", () => {
  it("are reached from the private keys", () => {
    const pair = (first: number) => {
      const raw = Uint8Array.from({ length: 56 }, (_, i) => first + i)
      const privateKey = { kind: "private", algorithm: "x448", raw } as const
      return { privateKey, publicKey: c.crypto.publicKeyOf(privateKey) }
    }
    const joiner = { key1: pair(0x10), key2: pair(0x20), kem: undefined }
    const initiator = { key1: pair(0x30), key2: pair(0x40), kem: undefined }
    const secrets = x3dhJoiner(c, joiner, publicParams(initiator, 3))
    expect(secrets).toEqual(x3dhInitiator(c, initiator, publicParams(joiner, 3)))
    expect(equalBytes(secrets.associatedData.subarray(0, 56), joiner.key1.publicKey.raw)).toBe(true)
    expect(toHex(secrets.headerKey)).toBe("abd805b135111c3d13ee72438b3aa60ec0258f32805142ee7852fcd1f30e99ec")
    expect(toHex(secrets.rootKey)).toBe("26eac168962f5c400779561bdc2b6892cf5e1bd0ee6c5b1b96a38a584cc02e3d")
    const state = joinRatchet(c, joiner, publicParams(initiator, 3), { current: 3, max: 3 }, pair(0x50))
    const { packet } = encrypt(c, state, utf8("hello"), 100)
    expect(packet).toEqual(
      fromHex(
        "007c0003b36da2e4a78028ba00bdf438d8705f4184c1c8b3f94d9bcf5d9d7e77a097a37300582a40ff76cffb5c0ce981a29bf9db4590827ea16e2d70ef3de370adf9435c137657cb227e768d6e5a4674276c627a2aaeeba00a94a0ac9fad2989e91a8f0e8173d59ea0e586d32432fdd43ad64715c0a3e0410fc805129e11e1e9498f0ed62bc0fb365e393c503f490bb2c304417768b5a3f6b9d607f0022ff61d04cea466f2e1bd1d71354047870bc20a22dc50c009df3254ddef9d102217eeca3fa9bb97e86fed10084f380dc85ca833771c2236e671562fcd0080a36f65e6efc89c355181afc6eebf84e9541e4eefba446a",
      ),
    )
  })
})
