import { concatBytes, fromHex, toHex } from "@sluice/encoding/bytes"
import { pad } from "@sluice/encoding/padding"
import { describe, expect, it } from "vitest"
import { newSmpArray, smpArrays } from "../test/vector-files.ts"
import { type BytesInput, type BytesOutput, bytes, sha256 } from "../test/vector-values.ts"
import { type BlockContent, batchContent, batchTransmissions, packBatches } from "./batch.ts"
import { decodeBlock, type ParsedTransmission } from "./block.ts"
import { encodeCommand } from "./commands.ts"
import { formatSmpError } from "./error-string.ts"
import { transmissionParams } from "./transmission.ts"

interface BlockVector {
  readonly name: string
  readonly version: number
  readonly sessionId: string
  readonly content: BytesInput
  readonly results: readonly {
    readonly corrId: string
    readonly entityId: string
    readonly error?: string
    readonly command?: string
    readonly authorization?: string | null
    readonly serviceSignature?: string | null
    readonly authorized?: string
  }[]
}

interface BatchVector {
  readonly name: string
  readonly blockSize?: number
  readonly sizes?: readonly number[]
  readonly inputs?: { readonly body?: string; readonly msgIds?: readonly string[] }
  readonly transmissions?: readonly BytesOutput[]
  readonly batches: readonly {
    readonly count?: number
    readonly length?: number
    readonly sha256?: string
    readonly blockSha256?: string
    readonly error?: string
  }[]
}

describe("blocks of vector files", () => {
  describe.each(smpArrays<BlockVector>("blockParse"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ version, sessionId, content, results }) => {
      const params = transmissionParams(version, fromHex(sessionId))
      for (const mayOverwrite of [false, true]) {
        // In the middle of other bytes, which must stay as they are.
        const margin = new Uint8Array(300).fill(0x5a)
        const around = concatBytes(margin, bytes(content), margin)
        const block = around.subarray(margin.length, around.length - margin.length)
        const parsed = decodeBlock(block, params, { mayOverwrite })
        expect(parsed.map((transmission) => describeResult(transmission, version))).toEqual(results)
        expect(parsed.map((transmission) => describeResult(transmission, version))).toEqual(results)
        expect(around.subarray(0, margin.length)).toEqual(margin)
        expect(around.subarray(around.length - margin.length)).toEqual(margin)
        if (!mayOverwrite) expect(toHex(block)).toBe(toHex(bytes(content)))
      }
    })
  })

  describe.each(smpArrays<BatchVector>("batches"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ sizes = [], blockSize, batches }) => {
      expect(sizes.length).toBeGreaterThan(0)
      const items = sizes.map((size, i) => new Uint8Array(size).fill(i % 256))
      expect(batchTransmissions(items, blockSize).map(describeBatch)).toEqual(batches)
    })
  })

  describe.each(newSmpArray<BatchVector>("packedTransmissions"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ transmissions = [], batches }) => {
      expect(transmissions.length).toBeGreaterThan(0)
      const known = transmissions.map((given) => wholeTransmission(given, cases))
      const items = transmissions.map((given, i) => known[i] ?? new Uint8Array(lengthOf(given)))
      const packed = packBatches(items).map((block) => {
        if (!block.fits) throw new Error("nothing here is too large")
        const content = batchContent(block)
        const counted = { count: block.items.length, length: block.length }
        if (block.items.some((item) => !known.includes(item))) return expect.objectContaining(counted)
        return { ...counted, sha256: sha256(content), blockSha256: sha256(pad(content, 16384)) }
      })
      expect(batches).toEqual(packed)
      expect(known.filter((whole) => whole === undefined).length).toBeLessThanOrEqual(1)
    })
  })
})

/**
 * A transmission of `packedTransmissions`. Long ones are all `MSG`, given by their start; one body and the message ids
 * are in the inputs of one case. The body of one message is nowhere: `undefined`.
 */
function wholeTransmission(given: BytesOutput, cases: readonly BatchVector[]): Uint8Array | undefined {
  if (typeof given === "string") return fromHex(given)
  const { body = "", msgIds = [] } = cases.find(({ inputs }) => inputs?.body !== undefined)?.inputs ?? {}
  const header = fromHex(given.first).subarray(0, MSG_HEADER)
  return msgIds
    .map((id) => concatBytes(header, fromHex(`18${id}`), fromHex(body)))
    .find((whole) => whole.length === given.length && sha256(whole) === given.sha256)
}

const lengthOf = (given: BytesOutput): number => (typeof given === "string" ? given.length / 2 : given.length)

/** No authorization, no correlation id, recipient id, tag and space. */
const MSG_HEADER = 1 + 1 + 25 + 4

/** The result in the form of the vectors. */
function describeResult(parsed: ParsedTransmission, version: number): object {
  const ids = { corrId: toHex(parsed.corrId), entityId: toHex(parsed.entityId) }
  if (!parsed.ok) return { ...ids, error: formatSmpError(parsed.error) }
  return {
    ...ids,
    command: toHex(encodeCommand(parsed.command, version)),
    authorization: parsed.authorization.length === 0 ? null : toHex(parsed.authorization),
    serviceSignature: parsed.serviceSignature === undefined ? null : toHex(parsed.serviceSignature),
    authorized: toHex(parsed.signed.bytes()),
  }
}

function describeBatch(block: BlockContent): object {
  if (!block.fits) return { error: "LARGE_MSG" }
  return { count: block.count, length: block.content.length, sha256: sha256(block.content) }
}
