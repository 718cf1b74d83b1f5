import { portableCrypto } from "@sluice/crypto/portable"
import { latin1, toHex, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { CommandError } from "@sluice/smp-protocol/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeNtfBlock, decodeNtfResponses, ntfParams } from "../src/block.ts"
import { decodeNtfCommand, encodeNtfCommand, type NtfCommand } from "../src/commands.ts"
import { type DeviceToken, formatDeviceToken, isUsableToken, PUSH_TAGS, parseDeviceToken } from "../src/device-token.ts"
import { decodeMessageList, encodeMessageList } from "../src/message-list.ts"
import { decodeNtfResponse, encodeNtfResponse } from "../src/responses.ts"
import { formatSubscriptionStatus, parseSubscriptionStatus } from "../src/status.ts"
import { decodeWebPushToken, encodeWebPushToken } from "../src/web-push-token.ts"

const bytes = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max })
const token = fc.record({ provider: fc.constantFrom(...PUSH_TAGS), token: bytes(255) })
const dhKey = portableCrypto.generateKeyPair("x25519").publicKey
const verifyKey = portableCrypto.generateKeyPair("ed448").publicKey
const notifierKey = portableCrypto.generateKeyPair("ed25519").privateKey
const queue = {
  server: { hosts: ["smp.example.org"], port: "", keyHash: new Uint8Array(32) },
  notifierId: new Uint8Array(24).fill(7),
}

const command: fc.Arbitrary<NtfCommand> = fc.oneof(
  token.map((device): NtfCommand => ({ tag: "TNEW", token: device, verifyKey, dhKey })),
  bytes(255).map((code): NtfCommand => ({ tag: "TVFY", code })),
  token.map((device): NtfCommand => ({ tag: "TRPL", token: device })),
  fc.nat(65_535).map((minutes): NtfCommand => ({ tag: "TCRN", minutes })),
  bytes(24).map((tokenId): NtfCommand => ({ tag: "SNEW", tokenId, queue, notifierKey })),
  fc.constantFrom("TCHK", "TDEL", "SCHK", "SDEL", "PING").map((tag): NtfCommand => ({ tag })),
)

/** A good encoding with one byte changed, or cut, or longer. */
const damaged = fc
  .tuple(command, fc.nat(), fc.nat(255), fc.constantFrom("change", "cut", "append"))
  .map(([good, at, byte, how]) => {
    const encoded = encodeNtfCommand(good)
    const index = at % encoded.length
    if (how === "cut") return encoded.subarray(0, index)
    if (how === "append") return Uint8Array.of(...encoded, byte)
    const changed = encoded.slice()
    changed[index] = byte
    return changed
  })

function only(run: () => unknown, ...errors: (new (...args: never[]) => Error)[]): void {
  try {
    run()
  } catch (error) {
    if (!errors.some((kind) => error instanceof kind)) throw error
  }
}

describe("hostile input", () => {
  it("every command reads as it was written", () => {
    fc.assert(
      fc.property(command, (good) => {
        expect(decodeNtfCommand(encodeNtfCommand(good))).toEqual(good)
      }),
    )
  })

  it("what decodes, encodes to the same bytes; all else is a CommandError", () => {
    const input = fc.oneof(damaged, bytes(300))
    fc.assert(
      fc.property(input, (some) => {
        only(() => expect(toHex(encodeNtfCommand(decodeNtfCommand(some)))).toBe(toHex(some)), CommandError)
        only(() => encodeNtfResponse(decodeNtfResponse(some), 3), CommandError)
      }),
      { numRuns: 1000 },
    )
  })

  it("no block makes a decoder throw", () => {
    fc.assert(
      fc.property(bytes(510), fc.integer({ min: 1, max: 3 }), bytes(32), (content, version, sessionId) => {
        const params = ntfParams(version, sessionId)
        expect(decodeNtfBlock(content, params).length).toBeGreaterThan(0)
        expect(decodeNtfResponses(content, params).length).toBeGreaterThan(0)
      }),
      { numRuns: 1000 },
    )
  })

  it("a bad block is one BLOCK error without ids", () => {
    const error = { ok: false, corrId: new Uint8Array(0), entityId: new Uint8Array(0), error: { type: "BLOCK" } }
    for (const content of [[], [0], [1, 0, 9, 1], [1, 0, 1, 0, 7]]) {
      expect(decodeNtfBlock(Uint8Array.from(content), ntfParams(3, utf8("s")))).toEqual([error])
    }
  })

  it("lists are read from any text or refused", () => {
    fc.assert(fc.property(bytes(400), (some) => only(() => decodeMessageList(some), DecodeError)))
    fc.assert(fc.property(fc.string(), (some) => only(() => decodeMessageList(utf8(some)), DecodeError)))
  })

  it("a list keeps the newest entries that fit", () => {
    const entries = Array.from({ length: 8 }, (_, i) => {
      return { queue, time: 1_700_000_000 + i, nonce: new Uint8Array(24).fill(i), meta: new Uint8Array(144) }
    })
    for (const max of [340, 1000, 2000, 5000]) {
      const list = encodeMessageList(entries, max)
      expect(list.length).toBeLessThanOrEqual(max)
      const read = decodeMessageList(list)
      expect(read).toEqual(entries.slice(-read.length))
    }
    expect(encodeMessageList(entries, 5)).toHaveLength(0)
  })
})

describe("device tokens", () => {
  const usable: readonly DeviceToken[] = [
    { provider: "AP", token: utf8("00ff") },
    { provider: "FP", token: utf8("abc:DEF-_09") },
    {
      provider: "UP",
      token: encodeWebPushToken({
        endpoint: "https://push.example.org/x/y?z=1",
        publicKey: new Uint8Array(33).fill(2),
        auth: new Uint8Array(16),
      }),
    },
  ]

  it("have a text form that reads back", () => {
    for (const device of usable) {
      expect(isUsableToken(device)).toBe(true)
      expect(parseDeviceToken(formatDeviceToken(device))).toEqual(device)
    }
  })

  it("are refused where they would change the request that they become part of", () => {
    const bad: readonly DeviceToken[] = [
      { provider: "AD", token: utf8("") },
      { provider: "AP", token: utf8("../3/device/00") },
      { provider: "AP", token: utf8("00 ff") },
      { provider: "FP", token: utf8("a/b") },
      { provider: "UP", token: latin1("short") },
    ]
    for (const device of bad) expect(isUsableToken(device), device.provider).toBe(false)
    expect(isUsableToken({ provider: "AT", token: utf8("efgh") })).toBe(true)
  })

  it("of Web Push hold an https URL of a host, or nothing", () => {
    const base = { publicKey: new Uint8Array(33).fill(3), auth: new Uint8Array(16).fill(9) }
    const read = decodeWebPushToken(encodeWebPushToken({ ...base, endpoint: "https://h.example:8443/a" }))
    expect(read).toEqual({ ...base, endpoint: "https://h.example:8443/a" })
    for (const endpoint of [
      "http://h/x",
      "https://u@h/x",
      "https://h",
      "https:///x",
      "https://h/\n",
      `https://h/${"a".repeat(205)}`,
    ]) {
      expect(() => encodeWebPushToken({ ...base, endpoint }), endpoint).toThrow()
    }
    expect(() =>
      encodeWebPushToken({ ...base, publicKey: new Uint8Array(33).fill(4), endpoint: "https://h/x" }),
    ).toThrow()
    fc.assert(fc.property(bytes(255), (some) => only(() => decodeWebPushToken(some), DecodeError)))
  })
})

it("cuts the text of an error between characters", () => {
  const status = { type: "ERR", text: "ä".repeat(150) } as const
  const text = formatSubscriptionStatus(status)
  expect(utf8(text).length).toBe(204)
  expect(parseSubscriptionStatus(text)).toEqual({ type: "ERR", text: "ä".repeat(100) })
})
