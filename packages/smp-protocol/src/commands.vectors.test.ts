import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { commandOf } from "../test/command-inputs.ts"
import { expectBytes } from "../test/expect-bytes.ts"
import { smpArrays } from "../test/vector-files.ts"
import { type BytesInput, type BytesOutput, bytes } from "../test/vector-values.ts"
import { type CommandTag, checkCredentials, decodeCommand, encodeCommand } from "./commands.ts"
import { formatSmpError } from "./error-string.ts"
import { CommandError } from "./errors.ts"
import { parseSimplexName } from "./simplex-name.ts"

interface Encoding {
  readonly versions: readonly number[]
  readonly hex: BytesOutput & BytesInput
  readonly parsedThenEncodedAs18?: string
  readonly parsedThenEncodedAs20?: string
}

interface CommandVector {
  readonly name: string
  readonly inputs: { readonly parsed?: object }
  readonly encodings: readonly Encoding[]
}

interface ParseVector {
  readonly name: string
  readonly input: string
  readonly results: readonly {
    readonly versions: readonly number[]
    readonly error?: string
    readonly tag?: string
    readonly encodedAs18?: string
    readonly encodedAs20?: string
  }[]
}

/** Cases of the stable release that the later one answers otherwise: it knows `RSLV`, at every version. */
const KNOWN_LATER = new Set(["RSLV (v20)"])

describe("commands of vector files", () => {
  describe.each(smpArrays<CommandVector>("commands"))("$name", ({ cases, latest }) => {
    it.each(cases)("$name", ({ name, inputs, encodings }) => {
      const command = commandOf(name, inputs)
      for (const encoding of encodings) {
        const again = encoding.parsedThenEncodedAs18 ?? encoding.parsedThenEncodedAs20
        for (const v of encoding.versions) {
          const encoded = encodeCommand(command, v)
          expectBytes(encoded, encoding.hex, `v${v}`)
          const decoded = decodeCommand(encoded, v)
          expect(decoded.tag).toBe(command.tag)
          const reference = again === undefined ? encodeCommand(command, latest) : fromHex(again)
          expect(encodeCommand(decoded, latest), `v${v} read back`).toEqual(reference)
        }
      }
      if (inputs.parsed !== undefined && command.tag === "RSLV") {
        expect(parseSimplexName(command.name)).toEqual(inputs.parsed)
      }
    })
  })

  describe.each(smpArrays<ParseVector>("commandParse"))("$name", ({ cases, latest }) => {
    it.each(cases)("$name", ({ name, input, results }) => {
      for (const result of results) {
        for (const v of result.versions) {
          const parsed = outcome(bytes(input), v, latest)
          if (latest === 18 && KNOWN_LATER.has(name)) expect(parsed.tag).toBe("RSLV")
          else if (result.error !== undefined) expect(parsed, `v${v}`).toEqual({ error: result.error })
          else expect(parsed, `v${v}`).toEqual({ tag: result.tag, encoded: result.encodedAs18 ?? result.encodedAs20 })
        }
      }
    })
  })

  describe.each(
    smpArrays<{
      name: CommandTag
      noAuthNoEntity: string
      authNoEntity: string
      noAuthEntity: string
      authEntity: string
    }>("commandCredentials"),
  )("$name", ({ cases }) => {
    it.each(cases)("$name", (expected) => {
      const { name } = expected
      const check = (authorized: boolean, entity: boolean): string => {
        const error = checkCredentials(name, authorized, entity)
        return error === undefined ? "ok" : formatSmpError(error)
      }
      expect(check(false, false)).toBe(expected.noAuthNoEntity)
      expect(check(true, false)).toBe(expected.authNoEntity)
      expect(check(false, true)).toBe(expected.noAuthEntity)
      expect(check(true, true)).toBe(expected.authEntity)
    })
  })
})

function outcome(input: Uint8Array, v: number, latest: number): { tag?: string; encoded?: string; error?: string } {
  try {
    const command = decodeCommand(input, v)
    return { tag: command.tag, encoded: toHex(encodeCommand(command, latest)) }
  } catch (error) {
    if (error instanceof CommandError) return { error: error.message }
    throw error
  }
}
