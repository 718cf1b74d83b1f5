import { fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, test } from "vitest"
import { vectorArrays } from "../test/vector-files.ts"
import { queueValue, requestValue } from "../test/vector-values.ts"
import { parseConnectionLink } from "./connection-link.ts"
import { readConnectionRequest, writeConnectionRequest } from "./connection-request.ts"
import { LinkError } from "./errors.ts"
import { formatFullLink, parseFullLink } from "./full-link.ts"
import { formatQueueUri, parseQueueUri, readQueueUri, writeQueueUri } from "./queue-uri.ts"

interface RequestCase {
  readonly name: string
  readonly string: string
  readonly parsedString: { readonly value: unknown; readonly stringAgain: string }
  readonly binary: string
  readonly parsedBinary: { readonly value: unknown; readonly binaryAgain: boolean }
}

describe.each(vectorArrays<RequestCase>("agent.json", "connectionRequests"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    const request = parseFullLink(vector.string)
    expect(requestValue(request)).toEqual(vector.parsedString.value)
    expect(formatFullLink(request)).toBe(vector.parsedString.stringAgain)
    expect(parseConnectionLink(vector.string)).toEqual({ form: "full", request })

    const read = decodeWhole(fromHex(vector.binary), readConnectionRequest)
    expect(requestValue(read)).toEqual(vector.parsedBinary.value)
    const again = toHex(encodeWith((w) => writeConnectionRequest(w, read)))
    expect(again === vector.binary).toBe(vector.parsedBinary.binaryAgain)
  })
})

interface ParseCase {
  readonly name: string
  readonly input: string
  readonly any: { readonly value?: unknown; readonly string?: string; readonly error?: string }
  readonly asContact: { readonly error?: string }
}

describe.each(vectorArrays<ParseCase>("agent.json", "connectionRequestParse"))("$name", ({ cases }) => {
  test.each(cases)("$name", ({ input, any, asContact }) => {
    if (any.value === undefined) {
      expect(() => parseFullLink(input)).toThrow(LinkError)
      expect(() => parseConnectionLink(input)).toThrow(LinkError)
      return
    }
    const request = parseFullLink(input)
    expect(requestValue(request)).toEqual(any.value)
    expect(formatFullLink(request)).toBe(any.string)
    expect(request.kind === "contact").toBe(asContact.error === undefined)
  })
})

interface QueueCase {
  readonly name: string
  readonly input: string
  readonly value?: unknown
  readonly string?: string
  readonly binary?: string
}

describe.each(vectorArrays<QueueCase>("agent.json", "queueUriParse"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    if (vector.value === undefined) {
      expect(() => parseQueueUri(vector.input)).toThrow(DecodeError)
      return
    }
    const queue = parseQueueUri(vector.input)
    expect(queueValue(queue)).toEqual(vector.value)
    expect(formatQueueUri(queue)).toBe(vector.string)
    if (vector.binary === undefined) return
    expect(toHex(encodeWith((w) => writeQueueUri(w, queue)))).toBe(vector.binary)
    decodeWhole(fromHex(vector.binary), readQueueUri)
  })
})
