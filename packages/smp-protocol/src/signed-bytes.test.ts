import { concatBytes } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bytes } from "../test/arbitraries.ts"
import { SignedBytes } from "./signed-bytes.ts"

describe("signed bytes", () => {
  const fingerprint = new Uint8Array(32).fill(0xf1)

  it("are the same in place, by copy, with and without fingerprint, in any order", () => {
    const calls = fc.array(fc.boolean(), { maxLength: 6 })
    fc.assert(
      fc.property(bytes(60), bytes(80), fc.nat(120), calls, (prefix, sent, room, fingerprinted) => {
        const before = new Uint8Array(10).fill(1)
        const after = new Uint8Array(10).fill(2)
        const buffer = concatBytes(before, new Uint8Array(room).fill(3), sent, after)
        const start = before.length + room
        const signed = new SignedBytes(prefix, buffer.subarray(start, start + sent.length), room)
        for (const withIt of fingerprinted) {
          if (withIt) expect(signed.withFingerprint(fingerprint)).toEqual(concatBytes(fingerprint, prefix, sent))
          else expect(signed.bytes()).toEqual(concatBytes(prefix, sent))
        }
        expect(buffer.subarray(0, before.length)).toEqual(before)
        expect(buffer.subarray(start)).toEqual(concatBytes(sent, after))
      }),
    )
  })

  it("are a view where the room suffices", () => {
    const buffer = new Uint8Array(100)
    const sent = buffer.subarray(60)
    const prefix = new Uint8Array(33).fill(7)
    expect(new SignedBytes(prefix, sent, 33).bytes().buffer).toBe(buffer.buffer)
    expect(new SignedBytes(prefix, sent, 32).bytes().buffer).not.toBe(buffer.buffer)
    expect(new SignedBytes(new Uint8Array(0), sent, 0).bytes()).toBe(sent)
  })
})
