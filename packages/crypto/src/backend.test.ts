import { toHex } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BACKENDS, seededRandom } from "../test/backends.ts"
import { changed } from "../test/vector-values.ts"
import { type BoxKey, NONCE_SIZE } from "./backend.ts"
import { CryptoError } from "./errors.ts"
import { ALGORITHMS, type Algorithm, type PublicKey, privateKey, publicKey, SIZES } from "./keys.ts"
import { createNativeCrypto, nativeCrypto } from "./native.ts"
import { createPortableCrypto, portableCrypto } from "./portable.ts"

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const message = fc.uint8Array({ maxLength: 300 })
const SLOW = { numRuns: 8 }

describe("native and portable", () => {
  it("make the same keys of the same randomness", () => {
    for (const algorithm of ALGORITHMS) {
      const native = createNativeCrypto({ random: seededRandom(algorithm) }).generateKeyPair(algorithm)
      const portable = createPortableCrypto({ random: seededRandom(algorithm) }).generateKeyPair(algorithm)
      expect(native).toEqual(portable)
    }
  })

  it.each(["ed25519", "ed448"] as const)("sign alike and verify each other: %s", (algorithm) => {
    fc.assert(
      fc.property(message, fc.nat(), (text, place) => {
        const { privateKey, publicKey } = nativeCrypto.generateKeyPair(algorithm)
        const signature = nativeCrypto.sign(privateKey, text)
        expect(portableCrypto.sign(privateKey, text)).toEqual(signature)
        const other = changed(signature, place % signature.length)
        for (const c of BACKENDS) {
          expect(c.verify(publicKey, text, signature)).toBe(true)
          expect(c.verify(publicKey, text, other)).toBe(false)
        }
      }),
      { numRuns: 5 },
    )
  })

  it.each(["x25519", "x448"] as const)("agree on the same secret: %s", (algorithm) => {
    fc.assert(
      fc.property(bytes(SIZES[algorithm].key), bytes(SIZES[algorithm].key), (own, peer) => {
        const keys = [privateKey(algorithm, own), publicKey(algorithm, peer)] as const
        expect(nativeCrypto.diffieHellman(...keys)).toEqual(portableCrypto.diffieHellman(...keys))
      }),
      SLOW,
    )
  })

  it("hash and derive alike", () => {
    fc.assert(
      fc.property(message, message, fc.integer({ min: 1, max: 300 }), (a, b, length) => {
        for (const name of ["sha256", "sha512", "sha3_256", "sha3_384", "md5"] as const) {
          expect(nativeCrypto[name](a)).toEqual(portableCrypto[name](a))
        }
        expect(nativeCrypto.hkdf(a, b, "info", length)).toEqual(portableCrypto.hkdf(a, b, "info", length))
      }),
    )
  })

  it("make and open each other's boxes", () => {
    fc.assert(
      fc.property(bytes(32), bytes(NONCE_SIZE), message, fc.nat(), (secret, nonce, text, place) => {
        const packet = nativeCrypto.seal(nativeCrypto.boxKey(secret), nonce, text)
        const key = portableCrypto.boxKey(secret)
        expect(portableCrypto.seal(key, nonce, text)).toEqual(packet)
        const other = changed(packet, place % packet.length)
        for (const c of BACKENDS) {
          expect(c.open(key, nonce, packet)).toEqual(text)
          expect(c.open(key, nonce, other)).toBeUndefined()
          expect(c.open(key, nonce, packet.subarray(0, place % packet.length))).toBeUndefined()
        }
      }),
    )
  })

  it.each([12, 16])("encrypt alike with AES-GCM and an IV of %d bytes", (ivLength) => {
    fc.assert(
      fc.property(bytes(32), bytes(ivLength), message, message, (key, iv, associated, text) => {
        const sealed = nativeCrypto.aesGcmEncrypt(key, iv, associated, text)
        expect(portableCrypto.aesGcmEncrypt(key, iv, associated, text)).toEqual(sealed)
        for (const c of BACKENDS) expect(c.aesGcmDecrypt(key, iv, associated, sealed.tag, sealed.body)).toEqual(text)
      }),
    )
  })
})

describe.each(BACKENDS)("$name", (c) => {
  const key = c.boxKey(new Uint8Array(32).fill(1))
  const nonce = new Uint8Array(NONCE_SIZE).fill(2)

  it("never throws on hostile keys and signatures", () => {
    const key = fc
      .constantFrom<Algorithm>(...ALGORITHMS)
      .chain((algorithm) =>
        fc.uint8Array({ maxLength: 60 }).map((raw): PublicKey => ({ kind: "public", algorithm, raw })),
      )
    const signature = fc.oneof(bytes(64), bytes(114), fc.uint8Array({ maxLength: 120 }))
    fc.assert(
      fc.property(key, message, signature, (k, text, s) => {
        expect(c.verify(k, text, s)).toBe(false)
      }),
    )
  })

  it.each(["ed25519", "ed448"] as const)("does not verify by keys that are no points: %s", (algorithm) => {
    fc.assert(
      fc.property(bytes(SIZES[algorithm].key), bytes(SIZES[algorithm].signature), (raw, signature) => {
        expect(c.verify(publicKey(algorithm, raw), raw, signature)).toBe(false)
      }),
      SLOW,
    )
  })

  it("seals into a caller's buffer, in place too", () => {
    const text = new Uint8Array(100).fill(3)
    const packet = c.seal(key, nonce, text)
    const out = new Uint8Array(116)
    expect(c.seal(key, nonce, text, out)).toBe(out)
    expect(out).toEqual(packet)

    out.fill(0).set(text, 16)
    c.seal(key, nonce, out.subarray(16), out)
    expect(out).toEqual(packet)
  })

  it("opens into a caller's buffer, in place too", () => {
    const text = new Uint8Array(100).fill(3)
    const packet = c.seal(key, nonce, text)
    const out = new Uint8Array(100)
    expect(c.open(key, nonce, packet, out)).toBe(out)
    expect(out).toEqual(text)

    const inner = packet.subarray(16)
    expect(c.open(key, nonce, packet, inner)).toBe(inner)
    expect(inner).toEqual(text)
  })

  it("reads inputs that are slices of a larger array", () => {
    const text = new Uint8Array(50).fill(7)
    const shift = (b: Uint8Array): Uint8Array => new Uint8Array([9, ...b, 9]).subarray(1, 1 + b.length)
    const packet = c.seal(shift(key) as BoxKey, shift(nonce), shift(text))
    expect(packet).toEqual(c.seal(key, nonce, text))
    expect(c.boxKey(shift(new Uint8Array(32).fill(1)))).toEqual(key)
    expect(c.open(key, nonce, shift(packet))).toEqual(text)
  })

  it("returns plain arrays with memory of their own", () => {
    const pair = c.generateKeyPair("ed448")
    const results = [
      c.sha256(nonce),
      c.sha512(nonce),
      c.hkdf(nonce, nonce, "x", 40),
      c.randomBytes(24),
      c.seal(key, nonce, nonce),
      c.sign(pair.privateKey, nonce),
      pair.publicKey.raw,
    ]
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype)
      // Not a small piece of a large pool, which would stay in memory as long as the piece.
      expect(result.buffer.byteLength).toBeLessThanOrEqual(result.length + 32)
    }
  })

  it("refuses wrong lengths as mistakes of the caller", () => {
    const short = new Uint8Array(31)
    const pair = c.generateKeyPair("x25519")
    const wrong: (() => unknown)[] = [
      () => c.boxKey(short),
      () => c.seal(short as BoxKey, nonce, short),
      () => c.seal(key, short, short),
      () => c.seal(key, nonce, short, short),
      () => c.open(key, short, short),
      () => c.open(key, nonce, short, short),
      () => c.aesGcmEncrypt(short, nonce.subarray(0, 16), short, short),
      () => c.aesGcmEncrypt(key, nonce, short, short),
      () => c.aesGcmDecrypt(key, nonce, short, short, short),
      () => c.hkdf(short, short, "x", 0),
      () => c.hkdf(short, short, "x", 40, short),
      () => c.sha512(short, short),
      () => c.boxKey(new Uint8Array(32), short),
      () => c.hkdf(short, short, "x", 255 * 64 + 1),
      () => c.sign({ kind: "private", algorithm: "ed25519", raw: short }, short),
      () => c.publicKeyOf({ kind: "private", algorithm: "x448", raw: short }),
      () => c.diffieHellman(pair.privateKey, { kind: "public", algorithm: "x25519", raw: short }),
      () => c.diffieHellman({ kind: "private", algorithm: "x25519", raw: short }, pair.publicKey),
    ]
    for (const call of wrong) expect(call).toThrow(expect.objectContaining({ problem: "WRONG_LENGTH" }))
  })

  it("refuses keys of two curves", () => {
    const own = c.generateKeyPair("x448").privateKey
    const peer = c.generateKeyPair("x25519").publicKey
    expect(() => c.diffieHellman(own, peer)).toThrow(CryptoError)
  })

  it("refuses a tag of another length than 16", () => {
    const { tag, body } = c.aesGcmEncrypt(key, nonce.subarray(0, 16), nonce, nonce)
    for (const length of [0, 4, 12, 15]) {
      expect(c.aesGcmDecrypt(key, nonce.subarray(0, 16), nonce, tag.subarray(0, length), body)).toBeUndefined()
    }
  })

  it("compares whole arrays", () => {
    fc.assert(
      fc.property(message, message, (a, b) => {
        expect(c.timingSafeEqual(a, a.slice())).toBe(true)
        expect(c.timingSafeEqual(a, b)).toBe(toHex(a) === toHex(b))
        if (a.length > 0) expect(c.timingSafeEqual(a, changed(a, -1))).toBe(false)
      }),
    )
  })

  it("fills the caller's buffer with what it gives in a new one", () => {
    // On both sides of the length from which the native back end hashes with another library.
    fc.assert(
      fc.property(bytes(32), fc.nat(3000), (secret, length) => {
        const text = new Uint8Array(length).fill(7)
        const [hash, key, derived] = [64, 32, 1 + (length % 200)].map((size) => new Uint8Array(size).fill(9))
        expect(c.sha512(text, hash)).toBe(hash)
        expect(hash).toEqual(c.sha512(text))
        expect(c.boxKey(secret, key)).toBe(key)
        expect(key).toEqual(c.boxKey(secret))
        expect(c.hkdf(secret, text, "info", 1 + (length % 200), derived)).toBe(derived)
        expect(derived).toEqual(c.hkdf(secret, text, "info", 1 + (length % 200)))
      }),
      { numRuns: 30 },
    )
  })

  it("gives different random bytes each time, of any length", () => {
    expect(c.randomBytes(0).length).toBe(0)
    expect(c.randomBytes(100_000).subarray(-32)).not.toEqual(new Uint8Array(32))
    const seen = new Set(Array.from({ length: 2000 }, () => toHex(c.randomBytes(12))))
    expect(seen.size).toBe(2000)
  })
})

describe("small order", () => {
  const p = 2n ** 448n - 2n ** 224n - 1n
  const encode = (y: bigint, sign: number): Uint8Array => {
    const raw = new Uint8Array(57)
    for (let i = 0; i < 56; i++) raw[i] = Number((y >> BigInt(8 * i)) & 0xffn)
    raw[56] = sign
    return raw
  }
  // y of the four points of small order, with both signs, also as numbers that are not reduced.
  const keys = [1n, p - 1n, 0n, p, p + 1n].flatMap((y) => [encode(y, 0), encode(y, 0x80)])

  it.each(BACKENDS)("no Ed448 key of small order verifies anything: $name", (c) => {
    for (const raw of keys) {
      for (const r of keys) {
        const signature = new Uint8Array(114)
        signature.set(r)
        for (let i = 0; i < 2; i++) expect(c.verify(publicKey("ed448", raw), Uint8Array.of(i), signature)).toBe(false)
      }
    }
  })
})
