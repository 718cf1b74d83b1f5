import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { expectBytes } from "../test/expect-bytes.ts"
import { messageOf, pkeyMessage } from "../test/message-inputs.ts"
import { newSmpArray, otherArray, smpArrays } from "../test/vector-files.ts"
import type { BytesOutput } from "../test/vector-values.ts"
import { formatSmpError } from "./error-string.ts"
import { CommandError } from "./errors.ts"
import { type BrokerMessageTag, checkMessageEntity, decodeBrokerMessage, encodeBrokerMessage } from "./messages.ts"

interface MessageVector {
  readonly name: string
  readonly inputs: unknown
  readonly encodings: readonly {
    readonly versions: readonly number[]
    readonly hex: BytesOutput
    readonly parsedThenEncodedAs18?: string
    readonly parsedThenEncodedAs20?: string
  }[]
}

interface ParseVector {
  readonly name: string
  readonly input: string
  readonly results: readonly {
    readonly versions: readonly number[]
    readonly error?: string
    readonly encodedAs18?: string
    readonly encodedAs20?: string
  }[]
}

/** Cases of the stable release that the later one answers otherwise: it knows `ALLS`, at every version. */
const KNOWN_LATER = new Set(["ALLS (v19)"])

describe("messages of servers of vector files", () => {
  describe.each(smpArrays<MessageVector>("brokerMessages"))("$name", ({ cases, latest }) => {
    it.each(cases)("$name", ({ name, inputs, encodings }) => {
      const message = messageOf(name, inputs)
      for (const encoding of encodings) {
        const again = encoding.parsedThenEncodedAs18 ?? encoding.parsedThenEncodedAs20
        for (const v of encoding.versions) {
          const encoded = encodeBrokerMessage(message, v)
          expectBytes(encoded, encoding.hex, `v${v}`)
          const reference = again === undefined ? encodeBrokerMessage(message, latest) : fromHex(again)
          expect(encodeBrokerMessage(decodeBrokerMessage(encoded, v), latest), `v${v} read back`).toEqual(reference)
        }
      }
    })
  })

  describe.each(smpArrays<ParseVector>("brokerMessageParse"))("$name", ({ cases, latest }) => {
    it.each(cases)("$name", ({ name, input, results }) => {
      for (const result of results) {
        for (const v of result.versions) {
          const parsed = outcome(fromHex(input), v, latest)
          if (latest === 18 && KNOWN_LATER.has(name)) expect(parsed).toEqual({ encoded: input })
          else if (result.error !== undefined) expect(parsed, `v${v}`).toEqual({ error: result.error })
          else expect(parsed, `v${v}`).toEqual({ encoded: result.encodedAs18 ?? result.encodedAs20 })
        }
      }
    })
  })

  describe.each(smpArrays<{ name: BrokerMessageTag; noEntity: string; entity: string }>("brokerMessageCredentials"))(
    "$name",
    ({ cases }) => {
      it.each(cases)("$name", ({ name, noEntity, entity }) => {
        const check = (hasEntity: boolean): string => {
          const error = checkMessageEntity(name, hasEntity)
          return error === undefined ? "ok" : formatSmpError(error)
        }
        expect(check(false)).toBe(noEntity)
        expect(check(true)).toBe(entity)
      })
    },
  )

  const pkeys = [...otherArray<PkeyVector>("proxy.json", "pkey"), ...newSmpArray<PkeyVector>("pkey")]
  it.each(pkeys.flatMap(({ cases }) => cases))("$name", ({ relaySessionId, range, certChainPubKey, command }) => {
    const message = pkeyMessage(relaySessionId, range, certChainPubKey)
    for (const v of [range[0], range[1]]) {
      expectBytes(encodeBrokerMessage(message, v), command)
      expect(decodeBrokerMessage(fromHex(command), v)).toEqual(message)
    }
  })
})

interface PkeyVector {
  readonly name: string
  readonly relaySessionId: string
  readonly range: readonly [number, number]
  readonly certChainPubKey: string
  readonly command: string
}

function outcome(input: Uint8Array, v: number, latest: number): { encoded?: string; error?: string } {
  try {
    return { encoded: toHex(encodeBrokerMessage(decodeBrokerMessage(input, v), latest)) }
  } catch (error) {
    if (error instanceof CommandError) return { error: error.message }
    throw error
  }
}
