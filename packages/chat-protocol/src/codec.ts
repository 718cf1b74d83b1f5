import { concatBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { ChatMessageError } from "./errors.ts"
import { syntaxError } from "./fields.ts"
import { type ChatMessage, messageFromJson, messageToJson } from "./message.ts"

/** Undoes zstd; gives `undefined` for data that it can not decompress within `maxSize` bytes. */
export type Decompress = (compressed: Uint8Array, maxSize: number) => Uint8Array | undefined

/** Compresses with zstd. The result must name the size of its content, which readers insist on. */
export type Compress = (content: Uint8Array) => Uint8Array

/** Largest text that apps write: a message of an agent holds this much without post-quantum keys, bytes. */
export const MAX_CHAT_MESSAGE = 15_602
/** The same with post-quantum keys: larger ones are to be compressed to this size. */
export const MAX_CHAT_MESSAGE_PQ = 13_380
/** Most that is read after decompression, bytes. */
export const MAX_DECOMPRESSED = 65_536

/** First byte of compressed messages: "X" ‖ list≥1("0" ‖ str8 content | "1" ‖ str16 zstd frame). */
const COMPRESSED = 0x58
const PLAIN_PART = 0x30
const ZSTD_PART = 0x31
const OBJECT = 0x7b
const ARRAY = 0x5b

/**
 * The bytes of a message. With `compress`, a message above `limit` bytes is compressed. Throws `ChatMessageError` "LARGE"
 * when it is larger in the end.
 */
export function encodeChatMessage(message: ChatMessage, limit: number, compress?: Compress): Uint8Array {
  const json = utf8(JSON.stringify(messageToJson(message)))
  if (json.length <= limit) return json
  const packed = compress === undefined || json.length > MAX_CHAT_MESSAGE ? json : compressed(compress(json))
  if (packed.length > limit) throw new ChatMessageError({ code: "LARGE" })
  return packed
}

function compressed(frame: Uint8Array): Uint8Array {
  const list = encodeWith((w) => w.u8(1).u8(ZSTD_PART).large(frame), frame.length + 4)
  return concatBytes(Uint8Array.of(COMPRESSED), list)
}

/**
 * The messages in one body: one, or several in a JSON array, or compressed ones. Throws `ChatMessageError`; of an array,
 * one bad message spoils all.
 */
export function decodeChatMessages(body: Uint8Array, decompress?: Decompress): ChatMessage[] {
  switch (body[0]) {
    case OBJECT:
      return [messageFromJson(parse(body))]
    case ARRAY:
      return listOf(parse(body))
    case COMPRESSED:
      return decompressed(body.subarray(1), decompress).flatMap((part) => {
        // One layer only: content that is compressed again is refused, as are all binary forms.
        if (part[0] !== OBJECT && part[0] !== ARRAY) throw syntaxError()
        return decodeChatMessages(part)
      })
    case undefined:
      throw syntaxError()
    default:
      throw new ChatMessageError({ code: body[0] < 0x80 && body[0] >= 0x20 ? "BINARY" : "SYNTAX" })
  }
}

function listOf(json: unknown): ChatMessage[] {
  if (!Array.isArray(json) || json.length === 0) throw syntaxError()
  return json.map(messageFromJson)
}

function decompressed(bytes: Uint8Array, decompress: Decompress | undefined): Uint8Array[] {
  let left = MAX_DECOMPRESSED
  const take = (content: Uint8Array | undefined): Uint8Array => {
    if (content === undefined) throw new ChatMessageError({ code: "COMPRESSION" })
    left -= content.length
    if (left < 0) throw new ChatMessageError({ code: "LARGE" })
    return content
  }
  return reading(() => {
    const r = new Reader(bytes)
    const parts = r.nonEmpty((part) => {
      const tag = part.u8("kind of part")
      if (tag === PLAIN_PART) return take(part.short("part"))
      if (tag === ZSTD_PART) return take(decompress?.(part.large("part"), left))
      throw syntaxError()
    }, "parts")
    r.end()
    return parts
  })
}

function parse(bytes: Uint8Array): unknown {
  return reading(() => JSON.parse(fromUtf8(bytes)) as unknown)
}

/** What other decoders throw becomes the error of this one. */
function reading<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DecodeError) throw syntaxError()
    throw error
  }
}
