import { fromHex, toHex } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { changed, type KeyValue, rows } from "../test/vector-values.ts"
import { AUTHENTICATOR_SIZE, makeAuthenticator, verifyAuthenticator } from "./authenticator.ts"
import { decodePrivateKey, decodePublicKey, type PrivateKey, type X25519Key } from "./keys.ts"

const file = vectors("crypto.json")

interface Row {
  readonly name: string
  readonly authKey: KeyValue
  readonly serverKey: KeyValue
  readonly nonce: string
  readonly message: string
  readonly sha512: string
  readonly authenticator: string
}

const own = (key: KeyValue): PrivateKey<"x25519"> => decodePrivateKey(fromHex(key.priv)) as PrivateKey<"x25519">
const peer = (key: KeyValue): X25519Key => decodePublicKey(fromHex(key.pub)) as X25519Key

describe.skipIf(file === undefined).each(BACKENDS)("$name: authenticator vectors", (c) => {
  it.each(rows<Row>(file, "authenticators"))("$name", (row) => {
    const [nonce, message] = [fromHex(row.nonce), fromHex(row.message)]
    const clientKey = c.boxKey(c.diffieHellman(own(row.authKey), peer(row.serverKey)))
    const serverKey = c.boxKey(c.diffieHellman(own(row.serverKey), peer(row.authKey)))
    const authenticator = makeAuthenticator(c, clientKey, nonce, message)
    expect(toHex(c.sha512(message))).toBe(row.sha512)
    expect(toHex(authenticator)).toBe(row.authenticator)

    const verify = (a: Uint8Array, m = message): boolean => verifyAuthenticator(c, serverKey, nonce, m, a)
    expect(verify(authenticator)).toBe(true)
    expect(verify(changed(authenticator, 0))).toBe(false)
    expect(verify(changed(authenticator, -1))).toBe(false)
    expect(verify(authenticator.subarray(0, -1))).toBe(false)
    expect(verify(authenticator, new Uint8Array([...message, 0]))).toBe(false)
  })
})

describe.each(BACKENDS)("$name: authenticators", (c) => {
  const key = c.boxKey(new Uint8Array(32).fill(5))

  it("takes correlation IDs of any length for a nonce", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ maxLength: 100 }), (nonce, message) => {
        const authenticator = makeAuthenticator(c, key, nonce, message)
        expect(authenticator.length).toBe(AUTHENTICATOR_SIZE)
        expect(verifyAuthenticator(c, key, nonce, message, authenticator)).toBe(true)
      }),
    )
  })

  it("refuses a box of another hash under the same key", () => {
    const nonce = new Uint8Array(24)
    const other = c.seal(key, nonce, new Uint8Array(64))
    expect(verifyAuthenticator(c, key, nonce, new Uint8Array(1), other)).toBe(false)
  })

  it("refuses arbitrary bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ minLength: 80, maxLength: 80 }), (a, b) => {
        expect(verifyAuthenticator(c, key, a, b, a)).toBe(false)
        expect(verifyAuthenticator(c, key, a, a, b)).toBe(false)
      }),
    )
  })
})
