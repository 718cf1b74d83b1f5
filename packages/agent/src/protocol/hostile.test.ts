import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeAgentMessage } from "./agent-message.ts"
import { decodeEnvelope } from "./envelope.ts"

/** Bytes that start like something, so that they get further than the first check. */
function startingWith(...starts: string[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }))
    .map(([start, rest]) => Uint8Array.from([...Buffer.from(start, "latin1"), ...rest]))
}

describe("hostile bytes", () => {
  it.each([
    [
      "agent messages",
      decodeAgentMessage,
      startingWith("", "D\x01", "M", "M\0\0\0\0\0\0\0\x01\0V\x01", "M\0\0\0\0\0\0\0\x01\0QA\x01"),
    ],
    ["envelopes", decodeEnvelope, startingWith("", "\0\x07C1", "\0\x07R\0\x03", "\0\x07I\0\x09simplex:/")],
  ] as const)("%s only ever fail with a DecodeError", (_, decode, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
