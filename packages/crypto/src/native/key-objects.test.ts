import type { KeyObject } from "node:crypto"
import { describe, expect, it } from "vitest"
import { nativeCrypto as c } from "../native.ts"
import { KeyObjects } from "./key-objects.ts"

describe("keys of signatures", () => {
  const key = c.generateKeyPair("ed448").publicKey
  /** Checks a key and gives the objects that it was checked with. */
  const checked = (objects: KeyObjects, holds: boolean): readonly [boolean, readonly KeyObject[]] => {
    const seen: KeyObject[] = []
    const result = objects.holds(key, (object) => {
      seen.push(object)
      return holds
    })
    return [result, seen]
  }

  it("are kept only once they have verified something, so that the time of a refusal tells nothing of them", () => {
    const objects = new KeyObjects(4)
    const [refused, [first]] = checked(objects, false)
    const [again, [second]] = checked(objects, false)
    expect([refused, again]).toEqual([false, false])
    expect(second).not.toBe(first)
    const [accepted, [third]] = checked(objects, true)
    expect(accepted).toBe(true)
    // One check each time, whether the key is kept or not.
    expect(checked(objects, true)).toEqual([true, [third]])
    expect(checked(objects, false)).toEqual([false, [third]])
    expect(checked(objects, true)[1][0]).toBe(third)
  })

  it("verify as before", () => {
    const { publicKey, privateKey } = c.generateKeyPair("ed448")
    const message = Uint8Array.of(1, 2, 3)
    const signature = c.sign(privateKey, message)
    for (let i = 0; i < 2; i++) {
      expect(c.verify(publicKey, message, signature)).toBe(true)
      expect(c.verify(publicKey, Uint8Array.of(1, 2), signature)).toBe(false)
      expect(c.verify(key, message, signature)).toBe(false)
    }
  })
})
