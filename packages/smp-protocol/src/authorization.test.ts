import type { CryptoBackend } from "@sluice/crypto/backend"
import type { AuthKey } from "@sluice/crypto/keys"
import { utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import {
  type AuthPrivateKey,
  authorize,
  verifyAuthorization,
  verifyDummy,
  verifyServiceSignature,
} from "./authorization.ts"
import { type AuthorizationKind, authorizationKind } from "./authorization-kind.ts"
import { SessionBoxKeys } from "./box-key-cache.ts"

type Algorithm = AuthKey["algorithm"]
const ALGORITHMS: readonly Algorithm[] = ["ed25519", "ed448", "x25519"]

/** What was asked of a back end: every operation whose time an outsider could measure. */
interface Cost {
  verify: string[]
  diffieHellman: number
  open: number
}

describe.each(backEnds)("authorization ($name)", (c) => {
  const server = c.generateKeyPair("x25519")
  const message = utf8("what is signed")
  const corrId = new Uint8Array(24).fill(5)
  const pairs = Object.fromEntries(
    ALGORITHMS.map((algorithm) => [algorithm, c.generateKeyPair(algorithm)]),
  ) as unknown as {
    [A in Algorithm]: { publicKey: AuthKey; privateKey: AuthPrivateKey }
  }
  const authorizationBy = (algorithm: Algorithm): Uint8Array =>
    authorize(c, pairs[algorithm].privateKey, message, corrId, server.publicKey)
  const lengths: Record<Algorithm, number> = { ed25519: 64, ed448: 114, x25519: 80 }

  function verifier(): {
    boxKeys: SessionBoxKeys
    cost: Cost
    crypto: CryptoBackend
    sessionKey: typeof server.privateKey
  } {
    const cost: Cost = { verify: [], diffieHellman: 0, open: 0 }
    return { boxKeys: new SessionBoxKeys(10), cost, crypto: counting(c, cost), sessionKey: server.privateKey }
  }

  it.each(ALGORITHMS)("by %s is accepted from the right key and no other", (algorithm) => {
    const authorization = authorizationBy(algorithm)
    expect(authorization).toHaveLength(lengths[algorithm])
    expect(authorizationKind(authorization)).toBe<AuthorizationKind>(algorithm)
    const v = verifier()
    const all = ALGORITHMS.map((other) => pairs[other].publicKey)
    expect(verifyAuthorization(v, all, authorization, message, corrId)).toBe(true)
    expect(verifyAuthorization(v, all.toReversed(), authorization, message, corrId)).toBe(true)
    const others = all.filter((key) => key.algorithm !== algorithm)
    expect(verifyAuthorization(v, others, authorization, message, corrId)).toBe(false)
    expect(
      verifyAuthorization(v, [c.generateKeyPair(algorithm).publicKey as AuthKey], authorization, message, corrId),
    ).toBe(false)
    expect(verifyAuthorization(v, all, authorization, utf8("something else"), corrId)).toBe(false)
    const changed = authorization.slice()
    changed[20] = (changed[20] ?? 0) ^ 1
    expect(verifyAuthorization(v, all, changed, message, corrId)).toBe(false)
  })

  it("by X25519 depends on the correlation id", () => {
    const other = new Uint8Array(24).fill(6)
    expect(verifyAuthorization(verifier(), [pairs.x25519.publicKey], authorizationBy("x25519"), message, other)).toBe(
      false,
    )
  })

  // smp.md §3.3: the cost of a refusal must not tell whether there is a queue, or of which kind its key is.
  it.each(ALGORITHMS)("refused, costs the same for every key that %s could meet", (algorithm) => {
    const forged = new Uint8Array(lengths[algorithm]).fill(1)
    const unknownQueue = verifier()
    verifyDummy(unknownQueue, forged, message, corrId)
    const expected = unknownQueue.cost
    expect(expected).toEqual({
      verify: algorithm === "x25519" ? [] : [algorithm],
      diffieHellman: algorithm === "x25519" ? 1 : 0,
      open: algorithm === "x25519" ? 1 : 0,
    })
    for (const key of ALGORITHMS) {
      const v = verifier()
      expect(verifyAuthorization(v, [pairs[key].publicKey], forged, message, corrId)).toBe(false)
      expect(v.cost, `${key} key`).toEqual(expected)
    }
    const used = verifier()
    verifyAuthorization(used, [pairs.x25519.publicKey], authorizationBy("x25519"), message, corrId)
    Object.assign(used.cost, { verify: [], diffieHellman: 0, open: 0 })
    expect(verifyAuthorization(used, [pairs.x25519.publicKey], forged, message, corrId)).toBe(false)
    expect(used.cost, "X25519 key in the cache").toEqual(expected)
  })

  it("by X25519 costs one Diffie-Hellman per key and session", () => {
    const v = verifier()
    for (let i = 0; i < 3; i++) {
      expect(verifyAuthorization(v, [pairs.x25519.publicKey], authorizationBy("x25519"), message, corrId)).toBe(true)
    }
    expect(v.cost.diffieHellman).toBe(1)
    expect(v.boxKeys.size).toBe(1)
  })

  it("refused leaves the cache as it was", () => {
    const v = verifier()
    verifyAuthorization(v, [pairs.x25519.publicKey], new Uint8Array(80), message, corrId)
    verifyDummy(v, new Uint8Array(80), message, corrId)
    expect(v.boxKeys.size).toBe(0)
  })

  it("missing or of no kind costs nothing", () => {
    const v = verifier()
    const keys = ALGORITHMS.map((algorithm) => pairs[algorithm].publicKey)
    for (const length of [0, 1, 63, 65, 79, 81, 113, 115, 255]) {
      expect(verifyAuthorization(v, keys, new Uint8Array(length), message, corrId)).toBe(false)
    }
    expect(v.cost).toEqual({ verify: [], diffieHellman: 0, open: 0 })
  })

  it("is refused to keys of low order, without an exception", () => {
    const lowOrder: AuthKey = { kind: "public", algorithm: "x25519", raw: new Uint8Array(32) }
    expect(verifyAuthorization(verifier(), [lowOrder], new Uint8Array(80), message, corrId)).toBe(false)
    const { privateKey } = pairs.x25519
    const low = { kind: "public", algorithm: "x25519", raw: new Uint8Array(32) } as const
    expect(() => authorize(c, privateKey, message, corrId, low)).toThrow(EncodeError)
    expect(() => authorize(c, privateKey, message, corrId, undefined)).toThrow(EncodeError)
  })

  it("of services is an Ed25519 signature", () => {
    const { publicKey, privateKey } = c.generateKeyPair("ed25519")
    const signature = c.sign(privateKey, message)
    expect(verifyServiceSignature(c, publicKey, message, signature)).toBe(true)
    expect(verifyServiceSignature(c, publicKey, utf8("other"), signature)).toBe(false)
    expect(verifyServiceSignature(c, publicKey, message, new Uint8Array(63))).toBe(false)
  })
})

describe("the cache of box keys", () => {
  it("forgets the oldest", () => {
    const cache = new SessionBoxKeys(2)
    const key = (n: number) => ({ kind: "public", algorithm: "x25519", raw: new Uint8Array(32).fill(n) }) as const
    const [c] = backEnds
    if (c === undefined) throw new Error("no back end")
    for (const n of [1, 2, 3]) cache.set(key(n), c.boxKey(new Uint8Array(32).fill(n)))
    expect([1, 2, 3].map((n) => cache.get(key(n)) !== undefined)).toEqual([false, true, true])
    expect(() => new SessionBoxKeys(0)).toThrow(RangeError)
  })
})

function counting(c: CryptoBackend, cost: Cost): CryptoBackend {
  return {
    ...c,
    verify(key, message, signature) {
      cost.verify.push(key.algorithm)
      return c.verify(key, message, signature)
    },
    diffieHellman(own, peer) {
      cost.diffieHellman++
      return c.diffieHellman(own, peer)
    },
    open(key, nonce, packet, out) {
      cost.open++
      return c.open(key, nonce, packet, out)
    },
  }
}
