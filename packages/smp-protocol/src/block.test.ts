import { portableCrypto } from "@sluice/crypto/portable"
import { concatBytes, fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bytes, command, type Damage, damage, id, version } from "../test/arbitraries.ts"
import { message } from "../test/message-arbitraries.ts"
import { AUTHORIZATION_LENGTH } from "./authorization-kind.ts"
import { batchTransmissions, singleContent } from "./batch.ts"
import { decodeBlock, decodeResponses, type ParsedTransmission } from "./block.ts"
import { checkCredentials, encodeCommand } from "./commands.ts"
import { formatSmpError } from "./error-string.ts"
import { checkMessageEntity, encodeBrokerMessage } from "./messages.ts"
import { encodeOutgoing } from "./outgoing.ts"
import {
  authorizedBytes,
  encodeResponse,
  encodeTransmission,
  forwardedParams,
  type TransmissionParams,
  transmissionParams,
} from "./transmission.ts"

const authorization = fc.constantFrom(...Object.values(AUTHORIZATION_LENGTH)).chain((length) => bytes(length, length))

const item = fc.record({
  authorization,
  serviceSignature: fc.option(bytes(64, 64), { nil: undefined }),
  corrId: id,
  entityId: id,
  command,
})

describe("blocks of commands", () => {
  it("are taken apart as they were put together, in place and by copy", () => {
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 5 }),
        version,
        id,
        fc.boolean(),
        (items, v, sessionId, own) => {
          const params = transmissionParams(v, sessionId)
          const encoded = items.map((one) =>
            encodeTransmission(params, { ...one, command: encodeCommand(one.command, v) }),
          )
          const parsed = batchTransmissions(encoded).flatMap((block) =>
            block.fits ? decodeBlock(block.content, params, { mayOverwrite: own }) : [],
          )
          expect(parsed).toHaveLength(items.length)
          for (const [i, one] of items.entries()) checkParsed(parsed[i], one, params)
          // Asking again, after all were put together in place, changes nothing.
          for (const [i, one] of items.entries()) checkParsed(parsed[i], one, params)
        },
      ),
    )
  })

  it("never throw, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 3 }),
        version,
        version,
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        (items, v, other, changes) => {
          const params = transmissionParams(v, new Uint8Array(32))
          const encoded = items.map((one) =>
            encodeTransmission(params, { ...one, command: encodeCommand(one.command, v) }),
          )
          const [block] = batchTransmissions(encoded)
          if (block?.fits !== true) return
          const damaged = changes.reduce((content: Uint8Array, change: Damage) => change(content), block.content)
          const parsed = decodeBlock(damaged, transmissionParams(other, new Uint8Array(32)), { mayOverwrite: true })
          expect(parsed.length).toBeGreaterThan(0)
          for (const one of parsed) {
            if (one.ok) one.signed.bytes()
            else expect(ANSWERS).toContain(formatSmpError(one.error))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  it("never throw on bytes that were never a block", () => {
    fc.assert(
      fc.property(bytes(200), version, (content, v) => {
        expect(decodeBlock(content, transmissionParams(v, new Uint8Array(32))).length).toBeGreaterThan(0)
        expect(decodeResponses(content, transmissionParams(v, new Uint8Array(32))).length).toBeGreaterThan(0)
      }),
    )
  })

  it("look at the session id before the authorization, and at both before the command", () => {
    const params = transmissionParams(6, new Uint8Array(32).fill(1))
    const other = transmissionParams(6, new Uint8Array(32).fill(2))
    const parts = { authorization: new Uint8Array(10), corrId: utf8("c"), entityId: utf8("e"), command: utf8("HELLO") }
    expect(outcomes(encodeTransmission(other, parts), params)).toEqual(["c//SESSION"])
    expect(outcomes(encodeTransmission(params, parts), params)).toEqual(["c//BLOCK"])
    expect(outcomes(encodeTransmission(params, { ...parts, authorization: undefined }), params)).toEqual([
      "c/e/CMD UNKNOWN",
    ])
  })

  it("imply the session id inside proxied requests at any version", () => {
    const params = forwardedParams(6, new Uint8Array(32).fill(1))
    const parts = { corrId: utf8("c"), entityId: utf8("e"), command: utf8("SEND T x") }
    const [parsed] = decodeBlock(singleContent(encodeTransmission(params, parts)), params)
    if (parsed?.ok !== true) throw new Error("not accepted")
    expect(parsed.signed.bytes()).toEqual(
      authorizedBytes(params.sessionId, parts.corrId, parts.entityId, parts.command),
    )
  })

  it("do not copy the body of SEND, nor the signed bytes when they may be put together in place", () => {
    const c = portableCrypto
    const params = transmissionParams(20, new Uint8Array(32))
    const body = new Uint8Array(16048).fill(0x62)
    const key = c.generateKeyPair("ed25519").privateKey
    const send = { tag: "SEND", flags: { notification: true }, body } as const
    const outgoing = { corrId: new Uint8Array(24), entityId: new Uint8Array(24), command: send, key }
    const content = singleContent(encodeOutgoing({ crypto: c, serverKey: undefined }, params, outgoing))
    const [parsed] = decodeBlock(content, params, { mayOverwrite: true })
    if (parsed?.ok !== true || parsed.command.tag !== "SEND") throw new Error("not accepted")
    expect(parsed.command.body.buffer).toBe(content.buffer)
    expect(parsed.signed.bytes().buffer).toBe(content.buffer)
    expect(parsed.authorization.buffer).not.toBe(content.buffer)
  })
})

describe("blocks of responses", () => {
  it("are taken apart as they were put together", () => {
    const response = fc.record({ corrId: id, entityId: id, message })
    fc.assert(
      fc.property(fc.array(response, { minLength: 1, maxLength: 4 }), version, (responses, v) => {
        const params = transmissionParams(v, new Uint8Array(32).fill(9))
        const encoded = responses.map((one) => encodeResponse(params, one.corrId, one.entityId, one.message))
        const parsed = batchTransmissions(encoded).flatMap((block) =>
          block.fits ? decodeResponses(block.content, params) : [],
        )
        expect(parsed).toHaveLength(responses.length)
        for (const [i, { corrId, entityId, message: sent }] of responses.entries()) {
          const one = parsed[i]
          expect(one).toMatchObject({ corrId, entityId })
          if (one?.ok === true) expect(encodeBrokerMessage(one.message, v)).toEqual(encodeBrokerMessage(sent, v))
          else if (v >= 16) expect(one?.error).toEqual(checkMessageEntity(sent.tag, entityId.length > 0))
        }
      }),
    )
  })
})

/** All that a server can answer to a transmission because of its form. */
const ANSWERS = ["BLOCK", "SESSION", "CMD UNKNOWN", "CMD SYNTAX", "CMD NO_AUTH", "CMD HAS_AUTH", "CMD NO_ENTITY"]

type Item = typeof item extends fc.Arbitrary<infer T> ? T : never

function checkParsed(parsed: ParsedTransmission | undefined, expected: Item, params: TransmissionParams): void {
  const { corrId, entityId } = expected
  const error = checkCredentials(expected.command.tag, expected.authorization.length > 0, entityId.length > 0)
  if (error !== undefined) {
    expect(parsed).toEqual({ ok: false, corrId, entityId, error })
    return
  }
  if (parsed?.ok !== true) throw new Error("not accepted")
  const bytesOfCommand = encodeCommand(expected.command, params.version)
  expect(toHex(encodeCommand(parsed.command, params.version))).toBe(toHex(bytesOfCommand))
  expect(toHex(parsed.authorization)).toBe(toHex(expected.authorization))
  const signedByService = params.serviceSignatures && expected.authorization.length > 0
  expect(parsed.serviceSignature).toEqual(signedByService ? expected.serviceSignature : undefined)
  const fingerprint = fromHex("ab".repeat(32))
  const signed = authorizedBytes(params.sessionId, corrId, entityId, bytesOfCommand)
  expect(toHex(parsed.signed.withFingerprint(fingerprint))).toBe(toHex(concatBytes(fingerprint, signed)))
  expect(toHex(parsed.signed.bytes())).toBe(toHex(signed))
}

function outcomes(transmission: Uint8Array, params: TransmissionParams): string[] {
  const text = (value: Uint8Array): string => new TextDecoder().decode(value)
  return decodeBlock(singleContent(transmission), params).map((parsed) =>
    parsed.ok ? "ok" : `${text(parsed.corrId)}/${text(parsed.entityId)}/${formatSmpError(parsed.error)}`,
  )
}
