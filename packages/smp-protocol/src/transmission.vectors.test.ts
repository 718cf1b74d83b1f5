import type { CryptoBackend } from "@sluice/crypto/backend"
import { decodePrivateKey, decodePublicKey, type KeyPair, keyForPlace, type PrivateKey } from "@sluice/crypto/keys"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { pad } from "@sluice/encoding/padding"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { smpArrays } from "../test/vector-files.ts"
import { authKey, type KeyVector, privateKeyOf, sha256, x25519Key } from "../test/vector-values.ts"
import { verifyAuthorization, verifyServiceSignature } from "./authorization.ts"
import { singleContent } from "./batch.ts"
import { decodeBlock, decodeResponses } from "./block.ts"
import { SessionBoxKeys } from "./box-key-cache.ts"
import { decodeCommand } from "./commands.ts"
import { decodeBrokerMessage } from "./messages.ts"
import { encodeOutgoing, type SigningService } from "./outgoing.ts"
import { authorizedBytes, encodeResponse, encodeTransmission, transmissionParams } from "./transmission.ts"

interface TransmissionVector {
  readonly name: string
  readonly version: number
  readonly sessionId: string
  readonly corrId: string
  readonly entityId: string
  readonly command: string
  readonly key: KeyVector | null
  readonly serverSessionKey: KeyVector
  readonly service: { serviceId: string; certHash: string; sessionKey: KeyVector } | null
  readonly authorized: string
  readonly authorization: string | null
  readonly serviceSignature: string | null
  readonly transmission: string
  readonly content: string
  readonly blockSha256: string
}

interface ResponseVector {
  readonly name: string
  readonly version: number
  readonly sessionId: string
  readonly corrId: string
  readonly entityId: string
  readonly message: string
  readonly transmission: string
  readonly content: string
}

const isResponse = (vector: TransmissionVector | ResponseVector): vector is ResponseVector => "message" in vector

describe("transmissions of vector files", () => {
  describe.each(smpArrays<TransmissionVector | ResponseVector>("transmissions"))("$name", ({ cases }) => {
    const commands = cases.filter((vector) => !isResponse(vector))
    const responses = cases.filter(isResponse)

    it("have both directions", () => {
      expect(commands.length).toBeGreaterThan(0)
      expect(responses.length).toBeGreaterThan(0)
    })

    describe.each(backEnds)("$name", (c) => {
      it.each(commands)("$name", (vector) => checkCommand(c, vector as TransmissionVector))
    })

    it.each(responses)("$name", checkResponse)
  })
})

function checkCommand(c: CryptoBackend, vector: TransmissionVector): void {
  const params = transmissionParams(vector.version, fromHex(vector.sessionId))
  const corrId = fromHex(vector.corrId)
  const entityId = fromHex(vector.entityId)
  const bytes = fromHex(vector.command)
  const service = vector.service === null ? undefined : signingService(vector.service)
  const key = vector.key === null ? undefined : privateKeyOf(vector.key)
  const authorization = fromHex(vector.authorization ?? "")
  const serviceSignature = vector.serviceSignature === null ? undefined : fromHex(vector.serviceSignature)

  expect(toHex(authorizedBytes(params.sessionId, corrId, entityId, bytes))).toBe(vector.authorized)
  const parts = { authorization, serviceSignature, corrId, entityId, command: bytes }
  expect(toHex(encodeTransmission(params, parts))).toBe(vector.transmission)

  const signer = { crypto: c, serverKey: x25519Key(vector.serverSessionKey.pub), service }
  const command = decodeCommand(bytes, vector.version)
  const transmission = encodeOutgoing(signer, params, { corrId, entityId, command, key })
  expect(toHex(transmission)).toBe(vector.transmission)
  const content = singleContent(transmission)
  expect(toHex(content)).toBe(vector.content)
  expect(sha256(pad(content, 16384))).toBe(vector.blockSha256)

  // The server sees the same, whether it may overwrite the block or not, and any number of times.
  for (const mayOverwrite of [false, true]) {
    const received = decodeBlock(content, params, { mayOverwrite })
    expect(received).toHaveLength(1)
    const [first] = received
    if (first?.ok !== true) throw new Error("not accepted")
    expect(toHex(first.signed.bytes())).toBe(vector.authorized)
    const verifier = { crypto: c, sessionKey: sessionKeyOf(vector.serverSessionKey), boxKeys: new SessionBoxKeys(4) }
    const message =
      serviceSignature === undefined ? first.signed.bytes() : first.signed.withFingerprint(fingerprintOf(service))
    if (vector.key !== null) {
      const keys = [authKey(vector.key.pub)]
      expect(verifyAuthorization(verifier, keys, first.authorization, message, corrId)).toBe(true)
      expect(verifyAuthorization(verifier, keys, first.authorization, message, corrId)).toBe(true)
    }
    expect(first.serviceSignature).toEqual(serviceSignature)
    if (first.serviceSignature !== undefined && service !== undefined) {
      const { publicKey } = service.sessionKey
      expect(verifyServiceSignature(c, publicKey, first.signed.bytes(), first.serviceSignature)).toBe(true)
    }
    expect(toHex(first.signed.bytes())).toBe(vector.authorized)
    expect([toHex(first.authorization), toHex(first.corrId), toHex(first.entityId)]).toEqual([
      vector.authorization ?? "",
      vector.corrId,
      vector.entityId,
    ])
    expect(first.command).toEqual(command)
  }
}

function checkResponse(vector: ResponseVector): void {
  const params = transmissionParams(vector.version, fromHex(vector.sessionId))
  const corrId = fromHex(vector.corrId)
  const entityId = fromHex(vector.entityId)
  const message = decodeBrokerMessage(fromHex(vector.message), vector.version)
  const transmission = encodeResponse(params, corrId, entityId, message)
  expect(toHex(transmission)).toBe(vector.transmission)
  const content = singleContent(transmission)
  expect(toHex(content)).toBe(vector.content)
  expect(decodeResponses(content, params)).toEqual([{ ok: true, corrId, entityId, message }])
}

function signingService({ certHash, sessionKey }: NonNullable<TransmissionVector["service"]>): SigningService {
  const privateKey = decodePrivateKey(fromHex(sessionKey.priv)) as PrivateKey<"ed25519">
  const publicKey = keyForPlace(decodePublicKey(fromHex(sessionKey.pub)), "ed25519")
  const pair: KeyPair<"ed25519"> = { privateKey, publicKey }
  return { fingerprint: fromHex(certHash), sessionKey: pair }
}

function fingerprintOf(service: SigningService | undefined): Uint8Array {
  if (service === undefined) throw new Error("a service signature without service")
  return service.fingerprint
}

function sessionKeyOf(key: KeyVector): PrivateKey<"x25519"> {
  return decodePrivateKey(fromHex(key.priv)) as PrivateKey<"x25519">
}
