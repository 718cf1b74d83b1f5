import type { Duplex } from "node:stream"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith, type Writer } from "@sluice/encoding/writer"
import { MAX_PAYLOAD } from "./node-link.ts"

/**
 * What hub and workers say to each other on their socket. A frame has its length (4 bytes), its kind (1 byte) and a body.
 */
export const FRAME = {
  /** Worker: its name. First frame of a connection. */
  join: 1,
  /** Worker: name of the receiver, empty for all, then a payload. */
  publish: 2,
  /** Worker: a number of its own (4 bytes), to which an order is answered. */
  order: 3,
  /** Worker: it is alive; a number of its own (4 bytes). */
  ping: 4,
  /** Hub: names of the others, after `join`. */
  welcome: 11,
  joined: 12,
  ended: 13,
  payload: 14,
  /** Hub: the number (4 bytes) and the order (8 bytes). */
  ordered: 15,
  /** Hub: the number of the ping. */
  pong: 16,
} as const

/** Bytes of a frame without its length. */
const MAX_FRAME = MAX_PAYLOAD + 512
/** Bytes that wait for a peer that does not read, before it is given up. */
export const MAX_UNSENT: number = 16 * 1024 * 1024

export function frame(kind: number, write: (w: Writer) => void, capacity?: number): Uint8Array {
  const body = encodeWith((w) => write(w.u32(0).u8(kind)), capacity)
  new DataView(body.buffer, body.byteOffset, 4).setUint32(0, body.length - 4)
  return body
}

/**
 * Calls `onFrame` for each frame of a stream. A frame that cannot be read, and one for which `onFrame` throws
 * `DecodeError`, ends the stream.
 */
export function readFrames(stream: Duplex, onFrame: (kind: number, body: Reader) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  stream.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    try {
      while (rest.length >= 4) {
        const length = rest.readUInt32BE(0)
        if (length === 0 || length > MAX_FRAME) throw new DecodeError("frame: length")
        if (rest.length < 4 + length) return
        const r = new Reader(rest, 4, 4 + length)
        rest = rest.subarray(4 + length)
        onFrame(r.u8("kind"), r)
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      stream.destroy()
    }
  })
}
