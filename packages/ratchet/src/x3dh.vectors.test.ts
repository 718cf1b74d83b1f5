import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { type InitParams, ownKeys, problemOf, problemThrown, type Scenario } from "../test/reference.ts"
import { type KeyValue, realCrypto, x448Pair } from "../test/replay.ts"
import { decodeE2eParams, encodeE2eParams } from "./e2e-params.ts"
import { acceptRatchet, joinRatchet } from "./init.ts"
import { publicParams } from "./keys.ts"
import { ratchetToJson } from "./state-json.ts"
import { decodeOwnKeys, encodeOwnKeys } from "./storage.ts"
import { securityCode, type X3dhSecrets, x3dhInitiator, x3dhJoiner } from "./x3dh.ts"

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
  readonly x3dhErrors?: readonly X3dhCase[]
}

function expectSecrets(secrets: X3dhSecrets, expected: InitParams): void {
  const { associatedData, rootKey, headerKey, nextHeaderKey, accepted } = secrets
  const kemAccepted = accepted && {
    peerKey: toHex(accepted.peerKey),
    sharedSecret: toHex(accepted.sharedSecret),
    ciphertext: toHex(accepted.ciphertext),
  }
  expect({
    assocData: toHex(associatedData),
    assocDataSha256: toHex(securityCode(realCrypto, associatedData)),
    sk: toHex(rootKey),
    hk: toHex(headerKey),
    nhk: toHex(nextHeaderKey),
    kemAccepted: kemAccepted ?? null,
  }).toEqual(expected)
}

const files = [vectors<File>("ratchet.json"), vectors<File>("ratchet-pq.json")]

describe.skipIf(files.includes(undefined))("X3DH of the reference", () => {
  const scenarios = files.flatMap((file) => file?.scenarios ?? [])
  const cases = files.flatMap((file) => file?.x3dhErrors ?? [])

  it("has cases", () => {
    expect(scenarios.length).toBeGreaterThan(0)
    expect(cases.length).toBeGreaterThan(0)
  })

  it.each(scenarios)("both sides: $name", ({ initiator, joiner, e2eVersion, ratchetVersions: [, max] }) => {
    const r = ownKeys(initiator.r1, initiator.r2, initiator.kemPrivate)
    const s = ownKeys(joiner.s1, joiner.s2, joiner.kemPrivate)
    expect(decodeOwnKeys(encodeOwnKeys(r))).toEqual(r)
    expect(decodeOwnKeys(encodeOwnKeys(s))).toEqual(s)
    expect(toHex(encodeE2eParams(publicParams(r, e2eVersion)))).toBe(initiator.params)
    expect(toHex(encodeE2eParams(publicParams(s, e2eVersion)))).toBe(joiner.params)

    const fromInitiator = decodeE2eParams(fromHex(initiator.params))
    const fromJoiner = decodeE2eParams(fromHex(joiner.params))
    expectSecrets(x3dhInitiator(realCrypto, r, fromJoiner), initiator.initParams)
    expectSecrets(x3dhJoiner(realCrypto, s, fromInitiator), joiner.initParams)

    const joined = joinRatchet(realCrypto, s, fromInitiator, { current: e2eVersion, max }, x448Pair(joiner.d))
    expect(ratchetToJson(joined)).toEqual(joiner.state)
    const accepted = acceptRatchet(realCrypto, r, fromJoiner, max, initiator.pqSupport)
    expect(ratchetToJson(accepted)).toEqual(initiator.state)
  })

  it.each(cases)("$name", ({ name, ownKey1, ownKey2, ownKemPrivate, peerParams, result }) => {
    const own = ownKeys(ownKey1, ownKey2, ownKemPrivate)
    const peer = decodeE2eParams(fromHex(peerParams))
    const side = name.startsWith("joiner") ? x3dhJoiner : x3dhInitiator
    const run = (): X3dhSecrets => side(realCrypto, own, peer)
    if (result.error !== undefined) expect(problemThrown(run)).toEqual(problemOf(result.error))
    else if (result.initParams !== undefined) expectSecrets(run(), result.initParams)
    else throw new Error("no expected result")
  })
})
