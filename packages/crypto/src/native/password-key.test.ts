import { argon2id } from "@noble/hashes/argon2.js"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { passwordKey } from "./password-key.ts"

const CHEAP = { memoryKiB: 64, passes: 2, lanes: 2 }
const salt = fromHex("000102030405060708090a0b0c0d0e0f")

describe("keys of passwords", () => {
  it("are those of another implementation of Argon2id", async () => {
    const other = argon2id("correct horse", salt, { m: 64, t: 2, p: 2, dkLen: 32 })
    expect(toHex(await passwordKey("correct horse", salt, 32, CHEAP))).toBe(toHex(other))
  })

  it("do not depend on how letters are composed", async () => {
    const [composed, decomposed] = await Promise.all(
      ["\u00e9", "e\u0301"].map((password) => passwordKey(password, salt, 32, CHEAP)),
    )
    expect(composed).toEqual(decomposed)
  })

  it("differ by salt and by cost", async () => {
    const keys = await Promise.all([
      passwordKey("a", salt, 32, CHEAP),
      passwordKey("a", fromHex("ff".repeat(16)), 32, CHEAP),
      passwordKey("a", salt, 32, { ...CHEAP, passes: 3 }),
    ])
    expect(new Set(keys.map(toHex)).size).toBe(3)
  })

  it("need a salt", async () => {
    await expect(passwordKey("a", new Uint8Array(1), 32, CHEAP)).rejects.toThrow(RangeError)
  })
})
