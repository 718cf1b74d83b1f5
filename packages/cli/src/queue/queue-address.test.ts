import { randomBytes } from "node:crypto"
import { nativeCrypto } from "@sluice/crypto/native"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { formatQueueAddress, parseQueueAddress, type QueueAddress } from "./queue-address.ts"

const address: QueueAddress = {
  server: { hosts: ["smp.example.org", "example.onion"], port: "7001", keyHash: new Uint8Array(randomBytes(32)) },
  senderId: new Uint8Array(randomBytes(24)),
  dhKey: nativeCrypto.generateKeyPair("x25519").publicKey,
  mode: "messaging",
}

/** Everything as plain arrays, so that views compare equal to what they show. */
function plain(value: QueueAddress): unknown {
  return JSON.parse(JSON.stringify(value, (_name, inner) => (inner instanceof Uint8Array ? [...inner] : inner)))
}

describe("queue addresses", () => {
  it.each(["messaging", "contact", undefined] as const)("are read back, mode %s", (mode) => {
    const text = formatQueueAddress({ ...address, mode })
    expect(plain(parseQueueAddress(text))).toEqual(plain({ ...address, mode }))
  })

  it("are read in other spellings: other order, separators, unknown parameters, no slash", () => {
    const text = formatQueueAddress(address)
    const dh = /dh=([^&]+)/.exec(text)?.[1] ?? ""
    const path = text.slice(0, text.indexOf("#"))
    for (const rest of [`#/?dh=${dh};v=1-3;k=s`, `#?q=m&later=1&dh=${dh}&v=4`, `/#/?v=2-9&dh=${dh}&q=m`]) {
      expect(plain(parseQueueAddress(path + rest)), rest).toEqual(plain(address))
    }
  })

  it("are refused with a password, without a key, with another kind of key, from another version", () => {
    const text = formatQueueAddress(address)
    const x448 = encodeURIComponent(Buffer.from("3042300506032b656f033900", "hex").toString("base64url"))
    for (const wrong of [
      text.replace("@", ":password@"),
      text.replace(/dh=[^&]+/, ""),
      text.replace(/dh=[^&]+/, `dh=${x448}`),
      text.replace("v=2-4", "v=5-9"),
      text.replace("v=2-4", "v=a"),
      text.replace("smp://", "https://"),
      text.slice(0, text.indexOf("#")),
    ]) {
      expect(() => parseQueueAddress(wrong), wrong).toThrow(DecodeError)
    }
  })

  it("never fail in another way", () => {
    const text = formatQueueAddress(address)
    const mutated = fc
      .tuple(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 8 }))
      .map(([at, removed, added]) => text.slice(0, at) + added + text.slice(at + removed))
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (input) => {
        try {
          parseQueueAddress(input)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
