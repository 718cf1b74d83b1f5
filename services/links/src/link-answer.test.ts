import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeLinkAnswer, encodeLinkAnswer } from "./link-answer.ts"

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const answers = fc.record({ senderId: bytes(255), fixed: bytes(3000), user: bytes(3000), relay: fc.string() })

describe("answers of the resolver", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(decodeLinkAnswer(encodeLinkAnswer(answer))).toEqual({ ...answer, relay: wellFormed(answer.relay) })
      }),
    )
  })

  it("that are cut or longer are refused as what they are", () => {
    fc.assert(
      fc.property(answers, fc.nat(), (answer, cut) => {
        const whole = encodeLinkAnswer(answer)
        expect(() => decodeLinkAnswer(whole.subarray(0, cut % whole.length))).toThrow(DecodeError)
        expect(() => decodeLinkAnswer(new Uint8Array([...whole, 0]))).toThrow(DecodeError)
      }),
    )
  })
})

function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text))
}
