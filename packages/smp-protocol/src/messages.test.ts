import { EncodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { damage, version } from "../test/arbitraries.ts"
import { message, messages } from "../test/message-arbitraries.ts"
import { CommandError } from "./errors.ts"
import { MESSAGES } from "./messages/table.ts"
import { decodeBrokerMessage, encodeBrokerMessage } from "./messages.ts"

describe("messages of servers", () => {
  it("have arbitraries for every tag", () => {
    const tags = new Set(messages.flatMap((arbitrary) => fc.sample(arbitrary, 30).map(({ tag }) => tag)))
    expect([...tags].sort()).toEqual(Object.keys(MESSAGES).sort())
  })

  it.each(messages.map((arbitrary) => ({ arbitrary })))("lose nothing at the latest version (%#)", ({ arbitrary }) => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decodeBrokerMessage(encodeBrokerMessage(value, 20), 20)).toEqual(value)
      }),
    )
  })

  it.each(messages.map((arbitrary) => ({ arbitrary })))("read back the same at any version (%#)", ({ arbitrary }) => {
    fc.assert(
      fc.property(arbitrary, version, (value, v) => {
        const encoded = encodeBrokerMessage(value, v)
        expect(encodeBrokerMessage(decodeBrokerMessage(encoded, v), v)).toEqual(encoded)
      }),
    )
  })

  it("answer damaged input with a command error, never with another", () => {
    fc.assert(
      fc.property(message, version, version, damage, (value, v, other, change) => {
        const damaged = change(encodeBrokerMessage(value, v))
        try {
          const written = encodeBrokerMessage(decodeBrokerMessage(damaged, other), other)
          expect(encodeBrokerMessage(decodeBrokerMessage(written, other), other)).toEqual(written)
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it("refuse a nonce of another length than 24", () => {
    const meta = new Uint8Array(144)
    expect(() => encodeBrokerMessage({ tag: "NMSG", nonce: new Uint8Array(23), meta }, 20)).toThrow(EncodeError)
  })
})
