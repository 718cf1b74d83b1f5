import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { PrivateKey, X25519Key } from "@sluice/crypto/keys"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { expectBytes } from "../test/expect-bytes.ts"
import { newSmpArray, otherArray } from "../test/vector-files.ts"
import { authKey, type BytesOutput, type KeyVector, privateKeyOf, x25519Key } from "../test/vector-values.ts"
import { verifyAuthorization } from "./authorization.ts"
import { singleContent } from "./batch.ts"
import { decodeBlock, decodeResponses } from "./block.ts"
import { SessionBoxKeys } from "./box-key-cache.ts"
import { decodeCommand, encodeCommand } from "./commands.ts"
import { decodeBrokerMessage, encodeBrokerMessage } from "./messages.ts"
import { encodeOutgoing } from "./outgoing.ts"
import { openForwarded, openRequest, openResponse, sealForwarded, sealRequest, sealResponse } from "./proxy-envelope.ts"
import { encodeResponse, encodeTransmission, forwardedParams, transmissionParams } from "./transmission.ts"

interface ProxyVector {
  readonly name: string
  readonly version: number
  readonly relaySessionId: string
  readonly relaySessionKey: KeyVector
  readonly proxyKey: KeyVector
  readonly ephemeralKey: KeyVector
  readonly queueKey: KeyVector | null
  readonly corrId: string
  readonly proxyCorrId: string
  readonly entityId: string
  readonly command: BytesOutput
  readonly layer1Secret: string
  readonly layer2Secret: string
  readonly authorized: BytesOutput
  readonly authorization: string
  readonly inner: BytesOutput
  readonly innerLength: number
  /** Too long for the padding; then what follows is missing. */
  readonly error?: string
  readonly box1: BytesOutput
  readonly pfwdCommand: BytesOutput
  readonly pfwdContent: BytesOutput
  readonly rfwdPlain: BytesOutput
  readonly box2: BytesOutput
  readonly rfwdCommand: BytesOutput
  readonly rfwdContent: BytesOutput
  readonly response: BytesOutput
  readonly responseInner: BytesOutput
  readonly box1Response: BytesOutput
  readonly rresPlain: BytesOutput
  readonly box2Response: BytesOutput
  readonly rresCommand: BytesOutput
  readonly presCommand: BytesOutput
}

describe("proxied commands of vector files", () => {
  const files = [...newSmpArray<ProxyVector>("proxyCases"), ...otherArray<ProxyVector>("proxy.json", "cases")]
  describe.each(files)("$name", ({ cases, latest }) => {
    describe.each(backEnds)("$name", (c) => {
      it.each(cases)("$name", (vector) => {
        const parties = partiesOf(c, vector)
        const content = checkInner(c, vector, parties)
        if (vector.error !== undefined) {
          expect(() => sealForwarded(c, parties.layer1, parties.corrId, "request", content)).toThrow(EncodeError)
          return
        }
        checkRequest(c, vector, parties, content, latest)
        checkResponse(c, vector, parties, latest)
      })
    })
  })
})

/** What the parties have: keys of the layers from both ends, which must be the same. */
interface Parties {
  readonly layer1: BoxKey
  readonly layer2: BoxKey
  readonly relayKey: PrivateKey<"x25519">
  readonly clientKey: X25519Key
  readonly corrId: Uint8Array
  readonly hopCorrId: Uint8Array
}

function partiesOf(c: CryptoBackend, vector: ProxyVector): Parties {
  const relayKey = x25519Private(vector.relaySessionKey)
  const clientKey = x25519Key(vector.ephemeralKey.pub)
  const layer1 = c.boxKey(fromHex(vector.layer1Secret))
  const layer2 = c.boxKey(fromHex(vector.layer2Secret))
  const relayPublic = x25519Key(vector.relaySessionKey.pub)
  expect(dhBoxKey(c, x25519Private(vector.ephemeralKey), relayPublic)).toEqual(layer1)
  expect(dhBoxKey(c, relayKey, clientKey)).toEqual(layer1)
  expect(dhBoxKey(c, x25519Private(vector.proxyKey), relayPublic)).toEqual(layer2)
  return { layer1, layer2, relayKey, clientKey, corrId: fromHex(vector.corrId), hopCorrId: fromHex(vector.proxyCorrId) }
}

/** The transmission inside, as the client makes it; gives the content of its block. */
function checkInner(c: CryptoBackend, vector: ProxyVector, { corrId }: Parties): Uint8Array {
  const params = forwardedParams(vector.version, fromHex(vector.relaySessionId))
  const signer = { crypto: c, serverKey: x25519Key(vector.relaySessionKey.pub) }
  const key = vector.queueKey === null ? undefined : privateKeyOf(vector.queueKey)
  const command = decodeCommand(commandBytes(vector.command), vector.version)
  const entityId = fromHex(vector.entityId)
  const content = singleContent(encodeOutgoing(signer, params, { corrId, entityId, command, key }))
  expect(content).toHaveLength(vector.innerLength)
  expectBytes(content, vector.inner)
  return content
}

function checkRequest(c: CryptoBackend, vector: ProxyVector, parties: Parties, content: Uint8Array, v: number): void {
  const { layer1, layer2, clientKey, corrId, hopCorrId } = parties
  const { version } = vector

  const box = sealForwarded(c, layer1, corrId, "request", content)
  expectBytes(box, vector.box1)
  const pfwd = encodeCommand({ tag: "PFWD", version, key: clientKey, request: box }, v)
  expectBytes(pfwd, vector.pfwdCommand)
  const sessionId = fromHex(vector.relaySessionId)
  const unsigned = transmissionParams(v, new Uint8Array(32))
  const parts = { corrId, entityId: sessionId, command: pfwd }
  expectBytes(singleContent(encodeTransmission(unsigned, parts)), vector.pfwdContent)

  const request = { corrId, version, key: clientKey, box }
  const hop = sealRequest(c, layer2, hopCorrId, request)
  expectBytes(hop, vector.box2)
  const rfwd = encodeCommand({ tag: "RFWD", request: hop }, v)
  expectBytes(rfwd, vector.rfwdCommand)
  const hopParts = { corrId: hopCorrId, entityId: new Uint8Array(0), command: rfwd }
  expectBytes(singleContent(encodeTransmission(unsigned, hopParts)), vector.rfwdContent)

  expect(openRequest(c, layer2, hopCorrId, hop)).toEqual(request)
  expect(openRequest(c, layer1, hopCorrId, hop)).toBe("CRYPTO")
  expect(openForwarded(c, layer1, corrId, "response", box)).toBeUndefined()
  const changed = box.slice()
  changed[100] = (changed[100] ?? 0) ^ 1
  expect(openForwarded(c, layer1, corrId, "request", changed)).toBeUndefined()
  const inside = openForwarded(c, layer1, corrId, "request", box) ?? new Uint8Array(0)
  const [received, ...more] = decodeBlock(inside, forwardedParams(version, sessionId), { mayOverwrite: true })
  if (received?.ok !== true || more.length > 0) throw new Error("not accepted")
  expectBytes(received.signed.bytes(), vector.authorized)
  expect(toHex(received.authorization)).toBe(vector.authorization)
  if (vector.queueKey !== null) {
    const verifier = { crypto: c, sessionKey: parties.relayKey, boxKeys: new SessionBoxKeys(1) }
    const keys = [authKey(vector.queueKey.pub)]
    expect(verifyAuthorization(verifier, keys, received.authorization, received.signed.bytes(), corrId)).toBe(true)
  }
}

function checkResponse(c: CryptoBackend, vector: ProxyVector, parties: Parties, v: number): void {
  const { layer1, layer2, corrId, hopCorrId } = parties
  const params = forwardedParams(vector.version, fromHex(vector.relaySessionId))

  const message = decodeBrokerMessage(answerBytes(c, vector, parties), vector.version)
  const entityId = fromHex(vector.entityId)
  const content = singleContent(encodeResponse(params, corrId, entityId, message))
  expectBytes(content, vector.responseInner)
  const box = sealForwarded(c, layer1, corrId, "response", content)
  expectBytes(box, vector.box1Response)
  const hop = sealResponse(c, layer2, hopCorrId, { corrId, box })
  expectBytes(hop, vector.box2Response)
  expect(openResponse(c, layer2, hopCorrId, hop)).toEqual({ corrId, box })
  expect(openResponse(c, layer1, hopCorrId, hop)).toBe("CRYPTO")
  const opened = openForwarded(c, layer1, corrId, "response", box) ?? new Uint8Array(0)
  expect(decodeResponses(opened, params)).toEqual([{ ok: true, corrId, entityId, message }])
  expectBytes(encodeBrokerMessage({ tag: "RRES", response: hop }, v), vector.rresCommand)
  const pres = encodeBrokerMessage({ tag: "PRES", response: box }, v)
  expectBytes(pres, vector.presCommand)
  expect(decodeBrokerMessage(pres, v)).toEqual({ tag: "PRES", response: box })
}

/** The answer of the relay. Long ones are given by their digest only, but the box around them is there. */
function answerBytes(c: CryptoBackend, vector: ProxyVector, { layer1, corrId }: Parties): Uint8Array {
  if (typeof vector.response === "string") return fromHex(vector.response)
  if (typeof vector.box1Response !== "string") throw new Error("neither answer nor box")
  const opened = openForwarded(c, layer1, corrId, "response", fromHex(vector.box1Response)) ?? new Uint8Array(0)
  const bytes = opened.subarray(opened.length - vector.response.length)
  expectBytes(bytes, vector.response)
  return bytes
}

/** Long commands are `SEND` with flag `T` and a body of `m` many times. */
function commandBytes(given: BytesOutput): Uint8Array {
  if (typeof given === "string") return fromHex(given)
  const command = new Uint8Array(given.length).fill(0x6d)
  command.set(utf8("SEND T "))
  expectBytes(command, given)
  return command
}

function x25519Private(key: KeyVector): PrivateKey<"x25519"> {
  const decoded = privateKeyOf(key)
  if (decoded.algorithm !== "x25519") throw new Error("X25519 key expected")
  return decoded
}
