import { sealPadded } from "@sluice/crypto/box"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { apnsPayload } from "./apns-payload.ts"
import type { PushKind } from "./provider.ts"

interface PayloadCase {
  readonly name: string
  readonly secret: string
  readonly nonce: string
  readonly paddedLength: number
  readonly input: unknown
  readonly plaintext?: string
  readonly payload: string
}

const file = vectors<{ pushPayloads: readonly PayloadCase[] }>("notifications.json")

function kindOf({ name }: PayloadCase): PushKind {
  if (name === "verification") return "verification"
  return name === "check messages" ? "check-messages" : "message"
}

describe.skipIf(file === undefined)("payloads of the reference", () => {
  const cases = file?.pushPayloads ?? []

  it("are there", () => expect(cases.length).toBeGreaterThan(0))

  it.each(cases)("$name", (vector) => {
    const { secret, paddedLength, plaintext = "", payload } = vector
    const kind = kindOf(vector)
    const text = kind === "verification" ? fromHex(plaintext) : new TextEncoder().encode(plaintext)
    const nonce = fromHex(vector.nonce)
    const key = nativeCrypto.boxKey(fromHex(secret))
    const content =
      kind === "check-messages"
        ? undefined
        : { nonce, ciphertext: sealPadded(nativeCrypto, key, nonce, text, paddedLength) }
    expect(JSON.parse(apnsPayload(kind, content).body)).toEqual(JSON.parse(payload))
    expect(apnsPayload(kind, content).body).toHaveLength(payload.length)
  })
})
