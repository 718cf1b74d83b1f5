import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { concatBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeChatMessages, encodeChatMessage, MAX_CHAT_MESSAGE, MAX_CHAT_MESSAGE_PQ } from "./codec.ts"
import { ChatMessageError } from "./errors.ts"
import type { ChatMessage } from "./message.ts"

function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_contentSizeFlag]: 1 }, pledgedSrcSize: bytes.length })
}

function decompress(bytes: Uint8Array, maxOutputLength: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength })
  } catch {
    return undefined
  }
}

const text = fc.string({ unit: "grapheme", minLength: 1 })
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const ref = fc.uint8Array({ minLength: 12, maxLength: 12 })
const content = fc.record({ type: fc.constantFrom("text", "link", "image", "poll"), text })
const profile = fc.record(
  { displayName: text, fullName: text, description: text, image: text },
  { requiredKeys: ["displayName"] },
)
const quoted = fc.record({ ref, content })
const event = fc.oneof(
  fc.record({ event: fc.constant("x.info" as const), profile }),
  fc.record({
    event: fc.constant("x.contact" as const),
    profile,
    requestId: optional(ref),
    content: optional(content),
  }),
  fc.record({ event: fc.constant("x.msg.new" as const), content, quoted: optional(quoted) }),
  fc.record({ event: fc.constant("x.msg.update" as const), ref, content }),
  fc.record({ event: fc.constant("x.msg.del" as const), ref }),
  fc.record({ event: fc.constantFrom("x.direct.del" as const, "x.ok" as const) }),
  fc.record({
    event: fc.constant("unknown" as const),
    name: fc.constantFrom("x.grp.inv", "x.call.inv"),
    params: fc.dictionary(fc.constantFrom("a", "b", "constructor"), fc.string()),
  }),
)
const message: fc.Arbitrary<ChatMessage> = fc
  .record({ event, id: optional(ref), versions: fc.constantFrom("1", "1-16") })
  .map((parts) => ({ ...parts.event, id: parts.id, versions: parts.versions }))

describe("chat messages", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const [read] = decodeChatMessages(encodeChatMessage(sent, MAX_CHAT_MESSAGE))
        expect(read).toEqual(withoutAbsent(sent))
      }),
      { numRuns: 300 },
    )
  })

  it("have the form that apps read", () => {
    const sent = { event: "x.msg.new", content: { type: "text", text: "hello!" }, id: utf8("abcdefghijkl") } as const
    expect(fromUtf8(encodeChatMessage(sent, MAX_CHAT_MESSAGE))).toBe(
      '{"v":"1","msgId":"YWJjZGVmZ2hpamts","event":"x.msg.new","params":{"content":{"type":"text","text":"hello!"}}}',
    )
    const profile = { event: "x.info", profile: { displayName: "ann" } } as const
    expect(fromUtf8(encodeChatMessage(profile, MAX_CHAT_MESSAGE))).toBe(
      '{"v":"1","event":"x.info","params":{"profile":{"displayName":"ann","fullName":""}}}',
    )
  })

  it("are read from older and newer apps: without version and id, with fields and events that are not known", () => {
    const old = '{"event":"x.msg.new","params":{"content":{"text":"hello","type":"text"}}}'
    expect(decodeChatMessages(utf8(old))).toEqual([{ event: "x.msg.new", content: { type: "text", text: "hello" } }])
    const ttl = '{"v":"1-16","event":"x.msg.new","params":{"ttl":60,"content":{"text":"","type":"image","image":"x"}}}'
    expect(decodeChatMessages(utf8(ttl))).toMatchObject([{ content: { type: "image", text: "" } }])
    const other = '{"event":"x.grp.leave","params":{}}'
    expect(decodeChatMessages(utf8(`[${old},${other}]`))).toMatchObject([
      { event: "x.msg.new" },
      { event: "unknown", name: "x.grp.leave", params: {} },
    ])
  })
})

describe("compressed messages", () => {
  const long: ChatMessage = { event: "x.msg.new", content: { type: "text", text: "so long ".repeat(1800) } }

  it("are written when they would not fit otherwise, and read", () => {
    const bytes = encodeChatMessage(long, MAX_CHAT_MESSAGE_PQ, compress)
    expect(bytes.length).toBeLessThan(1000)
    expect(decodeChatMessages(bytes, decompress)).toMatchObject([{ content: long.content }])
    expect(() => encodeChatMessage(long, MAX_CHAT_MESSAGE_PQ)).toThrow(new ChatMessageError({ code: "LARGE" }))
  })

  it("may hold parts in clear", () => {
    const part = utf8('{"event":"x.ok","params":{}}')
    const body = concatBytes(
      utf8("X"),
      Uint8Array.of(2),
      ...[part, part].flatMap((p) => [utf8("0"), Uint8Array.of(p.length), p]),
    )
    expect(decodeChatMessages(body)).toHaveLength(2)
  })

  it("end where they would fill the memory", () => {
    const bomb = compress(new Uint8Array(1 << 24).fill(0x20))
    const size = Uint8Array.of(bomb.length >> 8, bomb.length & 255)
    const body = concatBytes(utf8("X"), Uint8Array.of(1), utf8("1"), size, bomb)
    expect(() => decodeChatMessages(body, decompress)).toThrow(new ChatMessageError({ code: "COMPRESSION" }))
    expect(() => decodeChatMessages(body)).toThrow(new ChatMessageError({ code: "COMPRESSION" }))
  })
})

it("whatever comes, it is read or refused with the error of this package", () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => utf8(JSON.stringify(value)))
  const nearly = fc.tuple(message, fc.nat(), fc.nat(255)).map(([sent, at, byte]) => {
    const bytes = encodeChatMessage(sent, MAX_CHAT_MESSAGE).slice()
    bytes[at % bytes.length] = byte
    return bytes
  })
  const packed = fc.uint8Array({ maxLength: 60 }).map((bytes) => concatBytes(utf8("X"), bytes))
  fc.assert(
    fc.property(fc.oneof(json, nearly, packed, fc.uint8Array()), (bytes) => {
      try {
        decodeChatMessages(bytes, decompress)
      } catch (error) {
        expect(error).toBeInstanceOf(ChatMessageError)
      }
    }),
    { numRuns: 1000 },
  )
})

function withoutAbsent<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutAbsent(inner)])) as T
}
