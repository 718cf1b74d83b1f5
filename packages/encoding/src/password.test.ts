import fc from "fast-check"
import { expect, it } from "vitest"
import { decodedInside } from "../test/hostile.ts"
import { fromLatin1, latin1 } from "./bytes.ts"
import { EncodeError } from "./errors.ts"
import { isPassword, readPassword, writePassword } from "./password.ts"
import { encodeWith, Writer } from "./writer.ts"

it("allows exactly the printable Latin-1 characters without white space and four others", () => {
  const allowed = Array.from({ length: 0x300 }, (_, code) => code).filter((code) =>
    isPassword(String.fromCharCode(code)),
  )
  const printable = (code: number) => (code > 0x20 && code < 0x7f) || (code > 0xa0 && code <= 0xff && code !== 0xad)
  const expected = Array.from({ length: 0x300 }, (_, code) => code).filter(
    (code) => printable(code) && !"@:/".includes(String.fromCharCode(code)),
  )
  expect(allowed).toEqual(expected)
})

it("is refused or comes back the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const field = encodeWith((w) => w.short(bytes))
      const password = decodedInside(field, (r) => readPassword(r))
      expect(password !== undefined).toBe(isPassword(fromLatin1(bytes)))
      if (password === undefined) return
      expect(latin1(password)).toEqual(bytes)
      expect(encodeWith((w) => writePassword(w, password))).toEqual(field)
    }),
  )
})

it("refuses to write other characters and more than 255", () => {
  for (const password of ["a b", "a@b", "a:b", "日", "\u00ad", "a".repeat(256)]) {
    expect(() => writePassword(new Writer(), password)).toThrow(EncodeError)
  }
})
