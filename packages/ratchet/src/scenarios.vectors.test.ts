import { fromHex, toHex } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { type KeyValue, realCrypto, replaying, x448Pair } from "../test/replay.ts"
import { decrypt } from "./decrypt.ts"
import { decodeE2eParams, type E2eParams, encodeE2eParams } from "./e2e-params.ts"
import { encrypt, prepareMessage } from "./encrypt.ts"
import { RatchetError, type RatchetProblem } from "./errors.ts"
import { decodePacket, openHeader } from "./header.ts"
import { acceptRatchet, joinRatchet } from "./init.ts"
import { chainStep } from "./kdf.ts"
import { type OwnKem, type OwnKeys, publicParams } from "./keys.ts"
import { applySkipped, NO_SKIPPED, type SkippedChange, type SkippedKey, skippedKeyList } from "./skipped.ts"
import type { Ratchet } from "./state.ts"
import { ratchetFromJson, ratchetToJson } from "./state-json.ts"
import { decodeRatchet, encodeRatchet } from "./storage.ts"
import { x3dhInitiator, x3dhJoiner, type X3dhSecrets } from "./x3dh.ts"

type Json = Readonly<Record<string, unknown>>

interface SkippedValue {
  readonly headerKey: string
  readonly n: number
  readonly messageKey: string
  readonly iv: string
}

interface Party {
  readonly kemPrivate: string | null
  readonly params: string
  readonly initParams: InitParams
  readonly kemPairInState: Json | null
  readonly state: Json
}

interface InitParams {
  readonly assocData: string
  readonly assocDataSha256: string
  readonly sk: string
  readonly hk: string
  readonly nhk: string
  readonly kemAccepted: { readonly peerKey: string; readonly sharedSecret: string; readonly ciphertext: string } | null
}

interface Step {
  readonly op: "encrypt" | "decrypt"
  readonly party: "initiator" | "joiner"
  readonly name: string
  readonly pqEncryption: boolean | null
  readonly supportedVersion: number
  readonly paddedLength: number
  readonly plaintext: string
  readonly message?: string
  readonly messageLength: number
  readonly encHeaderLength: number
  readonly headerVersion: number
  readonly headerKey: string
  readonly headerIV: string
  readonly headerPlain: string
  readonly messageKey: string
  readonly messageIV: string
  readonly error?: string
  readonly stateChanged: boolean
  readonly sndKEM: boolean
  readonly rcvKEM: boolean
  readonly skippedAfter: readonly SkippedValue[]
  readonly skippedDiff: { readonly type: string; readonly keys?: SkippedValue[]; headerKey?: string; n?: number }
  readonly stateAfter: Json
}

interface Scenario {
  readonly name: string
  readonly e2eVersion: number
  readonly ratchetVersions: readonly [number, number]
  readonly pqMode: string
  readonly initiator: Party & { readonly r1: KeyValue; readonly r2: KeyValue; readonly pqSupport: boolean }
  readonly joiner: Party & { readonly s1: KeyValue; readonly s2: KeyValue; readonly d: KeyValue }
  readonly steps: readonly Step[]
}

interface X3dhCase {
  readonly name: string
  readonly ownKey1: KeyValue
  readonly ownKey2: KeyValue
  readonly ownKemPrivate: string | null
  readonly peerParams: string
  readonly result: { readonly error?: string; readonly initParams?: InitParams }
}

interface File {
  readonly scenarios: readonly Scenario[]
  readonly x3dhErrors: readonly X3dhCase[]
}

const plain = vectors<File>("ratchet.json")
const pq = vectors<File>("ratchet-pq.json")

/** The reference's own form of a private KEM key: `P` or `A ct ss`, then the key pair. */
function ownKem(hex: string | null): OwnKem | undefined {
  if (hex === null || hex === "") return undefined
  const r = new Reader(fromHex(hex))
  const accepts = r.u8("tag") === 0x41
  const accepted = accepts ? { ciphertext: r.large("ct"), sharedSecret: r.short("ss") } : undefined
  const pair = { publicKey: r.large("public key"), secretKey: r.large("secret key") }
  r.end()
  return { pair, accepted }
}

function expectX3dh(secrets: X3dhSecrets, expected: InitParams): void {
  expect(toHex(secrets.associatedData)).toBe(expected.assocData)
  expect(toHex(realCrypto.crypto.sha256(secrets.associatedData))).toBe(expected.assocDataSha256)
  expect(toHex(secrets.rootKey)).toBe(expected.sk)
  expect(toHex(secrets.headerKey)).toBe(expected.hk)
  expect(toHex(secrets.nextHeaderKey)).toBe(expected.nhk)
  const { accepted } = secrets
  const kem = accepted && {
    peerKey: toHex(accepted.peerKey),
    sharedSecret: toHex(accepted.sharedSecret),
    ciphertext: toHex(accepted.ciphertext),
  }
  expect(kem ?? null).toEqual(expected.kemAccepted)
}

/** The reference's name of a failure as this package's problem. */
function problemOf(error: string): RatchetProblem {
  const [name, count] = error.split(" ")
  switch (name) {
    case "CERatchetState":
      return { code: "NO_SENDING_CHAIN" }
    case "CERatchetHeader":
      return { code: "HEADER" }
    case "CERatchetDuplicateMessage":
      return { code: "DUPLICATE" }
    case "CERatchetEarlierMessage":
      return { code: "EARLIER", count: Number(count) }
    case "CERatchetTooManySkipped":
      return { code: "TOO_MANY_SKIPPED", count: Number(count) }
    case "CERatchetKEMState":
      return { code: "KEM_STATE" }
    case "CryptoHeaderError":
      return { code: "HEADER_SYNTAX" }
    case "AESDecryptError":
      return { code: "DECRYPT" }
    case "CryptoLargeMsgError":
      return { code: "LARGE_MESSAGE" }
    default:
      throw new Error(`no problem for ${error}`)
  }
}

function problemThrown(run: () => unknown): RatchetProblem {
  try {
    run()
  } catch (error) {
    if (error instanceof RatchetError) return error.problem
    throw error
  }
  throw new Error("no error")
}

function skippedValue({ headerKey, number, messageKey, iv }: SkippedKey): SkippedValue {
  return { headerKey: toHex(headerKey), n: number, messageKey: toHex(messageKey), iv: toHex(iv) }
}

function changeValue(change: SkippedChange): Step["skippedDiff"] {
  if (change.type === "none") return { type: "noChange" }
  if (change.type === "add") return { type: "add", keys: change.keys.map(skippedValue) }
  return { type: "remove", headerKey: toHex(change.headerKey), n: change.number }
}

function sorted(values: readonly SkippedValue[]): SkippedValue[] {
  return values.toSorted((a, b) => (a.headerKey === b.headerKey ? a.n - b.n : a.headerKey < b.headerKey ? -1 : 1))
}

/** The state of a step in full: KEM keys that stayed as they were are left out of the file. */
function stateAfter(step: Step, before: Json): Json {
  const { rcKEMUnchanged, ...state } = step.stateAfter
  if (rcKEMUnchanged !== true || before["rcKEM"] === undefined) return state
  return { ...state, rcKEM: before["rcKEM"] }
}

function load(json: Json): Ratchet {
  const state = ratchetFromJson(realCrypto, json)
  expect(ratchetToJson(state)).toEqual(json)
  expect(ratchetToJson(decodeRatchet(encodeRatchet(state)))).toEqual(json)
  return state
}

function encryptStep(state: Ratchet, before: Json, step: Step): { state: Ratchet; json: Json } {
  const options = { pq: step.pqEncryption ?? undefined, maxVersion: step.supportedVersion }
  const message = fromHex(step.plaintext)
  if (step.error !== undefined) {
    const run = (): unknown => encrypt(realCrypto, state, message, step.paddedLength, options)
    expect(problemThrown(run)).toEqual(problemOf(step.error))
    return { state, json: before }
  }
  const { state: next, packet, pq } = encrypt(realCrypto, state, message, step.paddedLength, options)
  const json = stateAfter(step, before)
  expect(ratchetToJson(next)).toEqual(json)
  expect(toHex(packet)).toBe(step.message)
  expect(packet.length).toBe(step.messageLength)
  expect(pq).toBe(state.sendingKem)

  const { key } = prepareMessage(realCrypto, state, options)
  expect(key.encHeader.length).toBe(step.encHeaderLength)
  expect(key.version).toBe(step.headerVersion)
  expect(toHex(key.messageKey)).toBe(step.messageKey)
  expect(toHex(key.iv)).toBe(step.messageIV)
  const { sending } = state
  expect(sending && toHex(sending.headerKey)).toBe(step.headerKey)
  expect(sending && toHex(chainStep(realCrypto, sending.chainKey).headerIv)).toBe(step.headerIV)
  return { state: next, json }
}

function play(scenario: Scenario): void {
  const states = { initiator: load(scenario.initiator.state), joiner: load(scenario.joiner.state) }
  const json = { initiator: scenario.initiator.state, joiner: scenario.joiner.state }
  const skipped = { initiator: NO_SKIPPED, joiner: NO_SKIPPED }
  const sent = new Map<string, { hex: string; headerKey: string; headerPlain: string }>()
  if (scenario.name.endsWith("by an initiator with max 2")) {
    // The file shows this state before the generator lowered its maximum.
    states.initiator = { ...states.initiator, version: { current: 2, max: 2 } }
  }
  for (const step of scenario.steps) {
    const { party } = step
    if (step.op === "encrypt") {
      const result = encryptStep(states[party], json[party], step)
      states[party] = result.state
      json[party] = result.json
      const { message, headerKey, headerPlain } = step
      if (message !== undefined) sent.set(step.name, { hex: message, headerKey, headerPlain })
      continue
    }
    const origin = sent.get(step.name)
    const hex = step.message ?? origin?.hex
    if (hex === undefined) throw new Error(`no message ${step.name}`)
    const before = states[party]
    const copy = structuredClone(before)
    const after = step.stateChanged ? stateAfter(step, json[party]) : json[party]
    const replay = replaying(ratchetFromJson(realCrypto, after))
    const packet = fromHex(hex)
    const result = decrypt(replay, before, skipped[party], packet)
    const at = `${scenario.name}: ${step.name}`
    expect(before).toEqual(copy)
    expect(toHex(packet)).toBe(hex)
    expect(ratchetToJson(result.state), at).toEqual(after)
    if (step.error === undefined) {
      expect(result.ok && toHex(result.message), at).toBe(step.plaintext)
      expect(result.ok && result.pq, at).toBe(step.rcvKEM)
    } else {
      expect(result.ok ? "decrypted" : result.problem, at).toEqual(problemOf(step.error))
    }
    if (step.stateChanged) {
      expect(changeValue(result.skipped), at).toEqual(step.skippedDiff)
      expect(result.state.sendingKem).toBe(step.sndKEM)
      expect(result.state.receivingKem).toBe(step.rcvKEM)
      skipped[party] = applySkipped(skipped[party], result.skipped)
      expect(sorted(skippedKeyList(skipped[party]).map(skippedValue)), at).toEqual(sorted(step.skippedAfter))
    } else {
      expect(result.state, at).toBe(before)
      expect(result.skipped).toEqual({ type: "none" })
    }
    states[party] = result.state
    json[party] = after
  }
  for (const { hex, headerKey, headerPlain } of sent.values()) {
    const packet = decodePacket(fromHex(hex))
    const header = openHeader(realCrypto, fromHex(headerKey), states.joiner.associatedData, packet)
    expect(header?.number).toBe(Number.parseInt(headerPlain.slice(-8), 16))
  }
}

function ownKeys(key1: KeyValue, key2: KeyValue, kem: string | null): OwnKeys {
  return { key1: x448Pair(key1), key2: x448Pair(key2), kem: ownKem(kem) }
}

describe.skipIf(plain === undefined || pq === undefined)("the reference's conversations", () => {
  const scenarios = [...(plain?.scenarios ?? []), ...(pq?.scenarios ?? [])]

  it("are there", () => {
    expect(plain?.scenarios.length).toBeGreaterThan(0)
    expect(pq?.scenarios.length).toBeGreaterThan(0)
  })

  it.each(scenarios)("set up: $name", ({ initiator, joiner, e2eVersion, ratchetVersions: [, max] }) => {
    const r = ownKeys(initiator.r1, initiator.r2, initiator.kemPrivate)
    const s = ownKeys(joiner.s1, joiner.s2, joiner.kemPrivate)
    const [fromInitiator, fromJoiner]: E2eParams[] = [initiator, joiner].map(({ params }) =>
      decodeE2eParams(fromHex(params)),
    ) as [E2eParams, E2eParams]
    if (fromInitiator === undefined || fromJoiner === undefined) throw new Error("no parameters")
    expect(toHex(encodeE2eParams(publicParams(r, e2eVersion)))).toBe(initiator.params)
    expect(toHex(encodeE2eParams(publicParams(s, e2eVersion)))).toBe(joiner.params)
    expectX3dh(x3dhInitiator(realCrypto, r, fromJoiner), initiator.initParams)
    expectX3dh(x3dhJoiner(realCrypto, s, fromInitiator), joiner.initParams)

    const versions = { current: e2eVersion, max }
    const joined = joinRatchet(realCrypto, s, fromInitiator, versions, x448Pair(joiner.d))
    const accepted = acceptRatchet(realCrypto, r, fromJoiner, max, initiator.pqSupport)
    expect(ratchetToJson(joined)).toEqual(joiner.state)
    expect(ratchetToJson(accepted)).toEqual(initiator.state)
  })

  it.each(scenarios)("conversation: $name", play)
})

describe.skipIf(plain === undefined)("X3DH with an unusual KEM", () => {
  const cases = plain?.x3dhErrors ?? []

  it("has cases", () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  it.each(cases)("$name", ({ name, ownKey1, ownKey2, ownKemPrivate, peerParams, result }) => {
    const own = ownKeys(ownKey1, ownKey2, ownKemPrivate)
    const peer = decodeE2eParams(fromHex(peerParams))
    const run = (): X3dhSecrets =>
      name.startsWith("joiner") ? x3dhJoiner(realCrypto, own, peer) : x3dhInitiator(realCrypto, own, peer)
    if (result.error !== undefined) expect(problemThrown(run)).toEqual(problemOf(result.error))
    else if (result.initParams !== undefined) expectX3dh(run(), result.initParams)
    else throw new Error("no expected result")
  })
})
