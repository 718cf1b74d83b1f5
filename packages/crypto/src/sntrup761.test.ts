import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BACKENDS, seededRandom } from "../test/backends.ts"
import { CryptoError } from "./errors.ts"
import { KEM_CIPHERTEXT_SIZE, KEM_PUBLIC_KEY_SIZE, KEM_SECRET_KEY_SIZE, KEM_SHARED_SECRET_SIZE } from "./kem.ts"
import { createNativeCrypto } from "./native.ts"
import { createPortableCrypto } from "./portable.ts"
import { createSntrup761 } from "./sntrup761.ts"

describe.each(BACKENDS)("sntrup761: $name", (c) => {
  const kem = createSntrup761(c)
  const pair = kem.generateKeyPair()

  it("both sides get the same secret, another one each time", () => {
    const secrets = Array.from({ length: 5 }, () => {
      const { ciphertext, sharedSecret } = kem.encapsulate(pair.publicKey)
      expect(ciphertext.length).toBe(KEM_CIPHERTEXT_SIZE)
      expect(sharedSecret.length).toBe(KEM_SHARED_SECRET_SIZE)
      expect(kem.decapsulate(pair.secretKey, ciphertext)).toEqual(sharedSecret)
      return String(sharedSecret)
    })
    expect(new Set(secrets).size).toBe(5)
  })

  it("keys have their sizes, and the secret one contains the public one", () => {
    expect(pair.publicKey.length).toBe(KEM_PUBLIC_KEY_SIZE)
    expect(pair.secretKey.length).toBe(KEM_SECRET_KEY_SIZE)
    expect(pair.secretKey.subarray(382, 382 + KEM_PUBLIC_KEY_SIZE)).toEqual(pair.publicKey)
  })

  it("a changed ciphertext gives another secret, always the same, and no error", () => {
    const { ciphertext, sharedSecret } = kem.encapsulate(pair.publicKey)
    fc.assert(
      fc.property(fc.nat(KEM_CIPHERTEXT_SIZE - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = ciphertext.slice()
        changed[at] = (changed[at] ?? 0) ^ by
        const rejected = kem.decapsulate(pair.secretKey, changed)
        expect(rejected).not.toEqual(sharedSecret)
        expect(kem.decapsulate(pair.secretKey, changed)).toEqual(rejected)
      }),
      { numRuns: 10 },
    )
  })

  it("takes any bytes of the right length from a peer", () => {
    for (const fill of [0, 0xff]) {
      expect(kem.encapsulate(new Uint8Array(KEM_PUBLIC_KEY_SIZE).fill(fill)).sharedSecret.length).toBe(32)
      const ciphertext = new Uint8Array(KEM_CIPHERTEXT_SIZE).fill(fill)
      expect(kem.decapsulate(pair.secretKey, ciphertext).length).toBe(32)
    }
  })

  it("does not alter its inputs", () => {
    const { ciphertext } = kem.encapsulate(pair.publicKey)
    const [secretKey, publicKey, sent] = [pair.secretKey.slice(), pair.publicKey.slice(), ciphertext.slice()]
    kem.decapsulate(secretKey, sent)
    kem.encapsulate(publicKey)
    expect([secretKey, publicKey, sent]).toEqual([pair.secretKey, pair.publicKey, ciphertext])
  })

  it("refuses wrong lengths", () => {
    const [key, ciphertext] = [new Uint8Array(KEM_SECRET_KEY_SIZE), new Uint8Array(KEM_CIPHERTEXT_SIZE)]
    expect(() => kem.encapsulate(new Uint8Array(10))).toThrow(CryptoError)
    expect(() => kem.decapsulate(key.subarray(1), ciphertext)).toThrow(CryptoError)
    expect(() => kem.decapsulate(key, ciphertext.subarray(1))).toThrow(CryptoError)
  })
})

describe("sntrup761 of both back ends", () => {
  it("is the same from the same randomness", () => {
    const [native, portable] = [createNativeCrypto, createPortableCrypto].map((create) => {
      const kem = createSntrup761(create({ random: seededRandom("kem") }))
      const pair = kem.generateKeyPair()
      return { pair, ...kem.encapsulate(pair.publicKey) }
    })
    expect(native).toEqual(portable)
  })
})
