import { decodePublicKey, keyForPlace } from "@sluice/crypto/keys"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import type { Scenario } from "../test/reference.ts"
import { type KeyValue, realCrypto } from "../test/replay.ts"
import {
  decodeE2eParams,
  type E2eInvitation,
  type E2eParams,
  encodeE2eParams,
  readE2eInvitation,
  requireProposed,
  writeE2eInvitation,
} from "./e2e-params.ts"
import { formatE2eInvitation, parseE2eInvitation } from "./e2e-uri.ts"
import { decodeHeader, encodeHeader, packetOverhead } from "./header.ts"
import { readKemParams } from "./kem-params.ts"
import { ratchetKeyHash, resyncRole } from "./resync.ts"

interface ParamsResult {
  readonly error?: string
  readonly encodedAgain?: boolean
  readonly kem?: boolean
  readonly stringAgain?: string
  readonly binary?: string
}

interface ParamsCase {
  readonly name: string
  readonly hex?: string
  readonly string?: string
  readonly asProposed: ParamsResult
  readonly asAny?: ParamsResult
}

interface HeaderCase {
  readonly name: string
  readonly version: number
  readonly dh: string
  readonly pn: number
  readonly ns: number
  readonly maxVersion: number
  readonly kem: string | null
  readonly header: string
  readonly length: number
  readonly fullHeaderLenPQOff: number
  readonly fullHeaderLenPQOn: number
}

interface HashCase {
  readonly name: string
  readonly own1: KeyValue
  readonly own2: KeyValue
  readonly peer1: KeyValue
  readonly peer2: KeyValue
  readonly ownHash: string
  readonly peerHash: string
  readonly ownInit: string
}

interface File {
  readonly params: readonly ParamsCase[]
  readonly headers: readonly HeaderCase[]
  readonly resyncHashes: readonly HashCase[]
  readonly scenarios: readonly (Scenario & { initiator: { paramsUri: string; paramsUriBinary: string } })[]
}

const file = vectors<File>("ratchet.json")
const pq = vectors<Pick<File, "scenarios">>("ratchet-pq.json")

/** 6.5.5 did not check the length of a KEM key; 7.0 does, and so does this package. */
const STRICTER = "binary KEM key of 10 bytes"

function binaryInvitation(invitation: E2eInvitation): string {
  return toHex(encodeWith((w) => writeE2eInvitation(w, invitation)))
}

describe.skipIf(file === undefined)("parameters of the reference", () => {
  const cases = file?.params ?? []

  it("have cases of both kinds", () => {
    expect(cases.some(({ hex }) => hex !== undefined)).toBe(true)
    expect(cases.some(({ string }) => string !== undefined)).toBe(true)
  })

  it.each(cases.filter(({ hex }) => hex !== undefined))("$name", ({ name, hex = "", asAny, asProposed }) => {
    const check = (expected: ParamsResult | undefined, decode: () => E2eParams): void => {
      if (expected?.error !== undefined || name === STRICTER) {
        expect(decode).toThrow(DecodeError)
        return
      }
      const params = decode()
      expect(toHex(encodeE2eParams(params)) === hex).toBe(expected?.encodedAgain)
      expect(params.kem !== undefined).toBe(expected?.kem)
    }
    check(asAny, () => decodeE2eParams(fromHex(hex)))
    check(asProposed, () => requireProposed(decodeE2eParams(fromHex(hex))))
  })

  it.each(cases.filter(({ string }) => string !== undefined))("$name", ({ string = "", asProposed }) => {
    if (asProposed.error !== undefined) {
      expect(() => parseE2eInvitation(string)).toThrow(DecodeError)
      return
    }
    const invitation = parseE2eInvitation(string)
    expect(formatE2eInvitation(invitation)).toBe(asProposed.stringAgain)
    expect(binaryInvitation(invitation)).toBe(asProposed.binary)
  })

  it.each([...(file?.scenarios ?? []), ...(pq?.scenarios ?? [])])("invitation of $name", ({ initiator }) => {
    const invitation = parseE2eInvitation(initiator.paramsUri)
    expect(formatE2eInvitation(invitation)).toBe(initiator.paramsUri)
    expect(binaryInvitation(invitation)).toBe(initiator.paramsUriBinary)
    expect(decodeWhole(fromHex(initiator.paramsUriBinary), readE2eInvitation)).toEqual(invitation)
  })
})

describe.skipIf(file === undefined)("headers of the reference", () => {
  const cases = file?.headers ?? []

  it("have cases", () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  it.each(cases)("$name", (kase) => {
    const header = {
      maxVersion: kase.maxVersion,
      dh: keyForPlace(decodePublicKey(fromHex(kase.dh)), "x448"),
      kem: kase.kem === null ? undefined : decodeWhole(fromHex(kase.kem), readKemParams),
      previousCount: kase.pn,
      number: kase.ns,
    }
    const bytes = encodeHeader(header, kase.version)
    expect(toHex(bytes)).toBe(kase.header)
    expect(bytes.length).toBe(kase.length)
    expect(decodeHeader(bytes, kase.version)).toEqual(header)
    // The reference counts its lengths in one byte there, also where two are sent.
    const lengths = kase.version >= 3 ? { inner: 1, outer: 2 } : { inner: 0, outer: 1 }
    const fullLength = (support: boolean): number =>
      packetOverhead(kase.version, support) - 16 - lengths.outer - lengths.inner
    expect(fullLength(false)).toBe(kase.fullHeaderLenPQOff)
    expect(fullLength(true)).toBe(kase.fullHeaderLenPQOn)
  })
})

describe.skipIf(file === undefined)("re-synchronization of the reference", () => {
  const cases = file?.resyncHashes ?? []

  it("has cases", () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  it.each(cases)("$name", ({ own1, own2, peer1, peer2, ownHash, peerHash, ownInit }) => {
    const key = ({ pub }: KeyValue) => keyForPlace(decodePublicKey(fromHex(pub)), "x448")
    const own = ratchetKeyHash(realCrypto, key(own1), key(own2))
    const peer = ratchetKeyHash(realCrypto, key(peer1), key(peer2))
    expect(toHex(own)).toBe(ownHash)
    expect(toHex(peer)).toBe(peerHash)
    expect(resyncRole(own, peer)).toBe(ownInit)
    expect(resyncRole(own, own)).toBe("receiving")
  })
})
