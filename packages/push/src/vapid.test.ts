import { verifyEs256 } from "@sluice/crypto/native/jws"
import { generateP256 } from "@sluice/crypto/native/p256"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, latin1 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { Vapid } from "./vapid.ts"

const HEADER = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/

function parts(header: string): {
  signed: Uint8Array
  claims: unknown
  jose: unknown
  signature: Uint8Array
  k: string
} {
  const [, first = "", second = "", third = "", k = ""] = HEADER.exec(header) ?? []
  const json = (text: string): unknown => JSON.parse(fromUtf8(decodeBase64Url(text)))
  const signed = latin1(`${first}.${second}`)
  return { signed, jose: json(first), claims: json(second), signature: decodeBase64Url(third), k }
}

describe("RFC 8292", () => {
  it("its example has a signature that holds", () => {
    // §2.4: the token and key of the example.
    const { signed, jose, claims, signature, k } = parts(
      "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, " +
        "k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs",
    )
    expect(jose).toEqual({ typ: "JWT", alg: "ES256" })
    expect(claims).toEqual({ aud: "https://push.example.net", exp: 1453523768, sub: "mailto:push@example.com" })
    expect(verifyEs256(decodeBase64Url(k), signed, signature)).toBe(true)
    signature[0] = (signature[0] ?? 0) ^ 1
    expect(verifyEs256(decodeBase64Url(k), signed, signature)).toBe(false)
  })
})

describe("tokens", () => {
  const clock = new ManualClock()
  const subject = "mailto:operator@example.org"
  const vapid = new Vapid({ privateKey: generateP256().privateKey, subject, clock })

  it("name service, end and operator, and are signed with the key that is named", () => {
    const { signed, jose, claims, signature, k } = parts(vapid.authorization("https://push.example.org"))
    expect(jose).toEqual({ typ: "JWT", alg: "ES256" })
    expect(claims).toEqual({ aud: "https://push.example.org", exp: clock.now() / 1000 + 43_200, sub: subject })
    expect(k).toBe(vapid.publicKey)
    expect(verifyEs256(decodeBase64Url(k), signed, signature)).toBe(true)
  })

  it("are kept for each service, replaced when half their life is over, or when they were refused", () => {
    const first = vapid.authorization("https://a.example")
    expect(vapid.authorization("https://b.example")).not.toBe(first)
    expect(vapid.authorization("https://a.example")).toBe(first)
    clock.advance(21_600_000)
    const second = vapid.authorization("https://a.example")
    expect(second).not.toBe(first)
    vapid.refused("https://a.example")
    expect(vapid.authorization("https://a.example")).not.toBe(second)
  })
})
