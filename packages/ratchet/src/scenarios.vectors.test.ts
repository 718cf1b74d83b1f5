import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { bytesOf, expectBytes } from "../../crypto/test/vector-values.ts"
import {
  changeValue,
  type DecryptStep,
  type EncryptStep,
  type Json,
  problemOf,
  problemThrown,
  type Scenario,
  skippedValue,
  sorted,
} from "../test/reference.ts"
import { realCrypto, replaying } from "../test/replay.ts"
import { decrypt } from "./decrypt.ts"
import { encrypt, prepareMessage } from "./encrypt.ts"
import { decodePacket, encodeHeader, openHeader } from "./header.ts"
import { chainStep } from "./kdf.ts"
import { applySkipped, NO_SKIPPED, type SkippedKeys, skippedKeyList } from "./skipped.ts"
import type { Ratchet } from "./state.ts"
import { ratchetFromJson, ratchetToJson } from "./state-json.ts"
import { decodeRatchet, encodeRatchet } from "./storage.ts"

interface File {
  readonly scenarios: readonly Scenario[]
}

/** One side of a conversation while it is replayed. */
class Side {
  state: Ratchet
  json: Json
  skipped: SkippedKeys = NO_SKIPPED

  constructor(json: Json) {
    this.json = json
    this.state = load(json)
  }

  /** The state of a step in full: the file leaves out KEM keys that stayed as they were. */
  after(step: EncryptStep | DecryptStep): Json {
    const { rcKEMUnchanged, ...state } = step.stateAfter
    const kem = this.json["rcKEM"]
    return rcKEMUnchanged === true && kem !== undefined ? { ...state, rcKEM: kem } : state
  }

  encrypt(step: EncryptStep): void {
    const options = { pq: step.pqEncryption ?? undefined, maxVersion: step.supportedVersion }
    const message = bytesOf(step.plaintext)
    if (step.error !== undefined) {
      const run = (): unknown => encrypt(realCrypto, this.state, message, step.paddedLength, options)
      expect(problemThrown(run)).toEqual(problemOf(step.error))
      return
    }
    const after = this.after(step)
    // Some messages of the 512 that are skipped are not in the file.
    while (this.state.sentCount + 1 < Number(after["rcNs"])) this.state = prepareMessage(realCrypto, this.state).state
    const { key } = prepareMessage(realCrypto, this.state, options)
    const { sending, sendingKem } = this.state
    if (sending === undefined) throw new Error("no sending chain")
    expect(toHex(chainStep(realCrypto, sending.chainKey).headerIv)).toBe(step.headerIV)
    expect(toHex(sending.headerKey)).toBe(step.headerKey)
    expect(toHex(key.messageKey)).toBe(step.messageKey)
    expect(toHex(key.iv)).toBe(step.messageIV)
    expect(key.encHeader.length).toBe(step.encHeaderLength)
    expect(key.version).toBe(step.headerVersion)

    const { state, packet, pq } = encrypt(realCrypto, this.state, message, step.paddedLength, options)
    expect(toHex(packet)).toBe(step.message)
    expect(packet.length).toBe(step.messageLength)
    expect(pq).toBe(sendingKem)
    expect(ratchetToJson(state)).toEqual(after)
    const header = openHeader(realCrypto, sending.headerKey, state.associatedData, decodePacket(packet))
    expect(header && toHex(encodeHeader(header, key.version))).toBe(step.headerPlain)
    this.state = state
    this.json = after
  }

  decrypt(step: DecryptStep, packet: Uint8Array): void {
    const before = structuredClone(this.state)
    const after = step.stateChanged ? this.after(step) : this.json
    const c = replaying(ratchetFromJson(realCrypto, after))
    const result = decrypt(c, this.state, this.skipped, packet)
    expect(this.state).toEqual(before)
    expect(ratchetToJson(result.state)).toEqual(after)
    if (step.error !== undefined) {
      expect(result.ok ? "decrypted" : result.problem).toEqual(problemOf(step.error))
    } else if (result.ok) {
      expectBytes(result.message, step.plaintext)
      expect(result.pq).toBe(step.rcvKEM)
    } else {
      expect(result.problem).toBe("decrypted")
    }
    if (step.stateChanged) {
      expect(changeValue(result.skipped)).toEqual(step.skippedDiff)
      expect(result.state.sendingKem).toBe(step.sndKEM)
      expect(result.state.receivingKem).toBe(step.rcvKEM)
      this.skipped = applySkipped(this.skipped, result.skipped)
      expect(sorted(skippedKeyList(this.skipped).map(skippedValue))).toEqual(sorted(step.skippedAfter))
    } else {
      expect(result.state).toBe(this.state)
      expect(result.skipped).toEqual({ type: "none" })
    }
    this.state = result.state
    this.json = after
  }
}

/** A state of the file, after showing that both stored forms give it back. */
function load(json: Json): Ratchet {
  const state = ratchetFromJson(realCrypto, json)
  expect(ratchetToJson(state)).toEqual(json)
  expect(ratchetToJson(decodeRatchet(encodeRatchet(state)))).toEqual(json)
  return state
}

function play(scenario: Scenario): void {
  const sides = { initiator: new Side(scenario.initiator.state), joiner: new Side(scenario.joiner.state) }
  if (scenario.name === "joiner max 3, started at 2 by an initiator with max 2") {
    // The file has the initiator's first state with the joiner's maximum; all later ones have its own.
    sides.initiator.state = { ...sides.initiator.state, version: { current: 2, max: 2 } }
  }
  const sent = new Map<string, string>()
  for (const step of scenario.steps) {
    const side = sides[step.party]
    if (step.op === "encrypt") {
      side.encrypt(step)
      if (step.error === undefined) sent.set(step.name, step.message)
    } else {
      const packet = step.message ?? sent.get(step.name)
      if (packet === undefined) throw new Error(`no message ${step.name}`)
      side.decrypt(step, fromHex(packet))
    }
    load(side.json)
  }
}

const files = [vectors<File>("ratchet.json"), vectors<File>("ratchet-pq.json")]

describe.skipIf(files.includes(undefined))("the reference's conversations", () => {
  it("are there", () => {
    for (const file of files) expect(file?.scenarios.length).toBeGreaterThan(0)
  })

  it.each(files.flatMap((file) => file?.scenarios ?? []))("$name", play)
})
