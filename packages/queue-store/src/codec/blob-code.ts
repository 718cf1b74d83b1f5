import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import type { StoredBlob } from "../blob-store.ts"
import { copyOf } from "./copy.ts"
import { readU40, readU48, writeU40, writeU48 } from "./numbers.ts"

const VERSION = 1
const TIME = 5

/** Blob: u8 version, u40 time of the last write, u8-prefixed key, data to the end. */
export function encodeBlob({ key, writtenAt, data }: StoredBlob): Uint8Array {
  const time = new Uint8Array(TIME)
  writeU40(time, 0, writtenAt)
  return new Writer(2 + TIME + key.length + data.length).u8(VERSION).raw(time).short(key).raw(data).finish()
}

/** The blob in memory of its own. */
export function decodeBlob(stored: Uint8Array): StoredBlob {
  const r = readerOf(stored)
  const writtenAt = readU40(r.take(TIME, "time"), 0)
  return { key: copyOf(r.short("key")), writtenAt, data: copyOf(r.tail()) }
}

/** Time of the last write, without reading the rest. */
export function writtenAtOf(stored: Uint8Array): number {
  return readU40(readerOf(stored).take(TIME, "time"), 0)
}

/** A number of blobs: u48. */
export function encodeCount(count: number): Uint8Array {
  const stored = new Uint8Array(6)
  writeU48(stored, 0, count)
  return stored
}

export function decodeCount(stored: Uint8Array | undefined): number {
  return stored === undefined ? 0 : readU48(stored, 0)
}

function readerOf(stored: Uint8Array): Reader {
  const r = new Reader(stored)
  if (r.u8("version") !== VERSION) throw new DecodeError("blob: unknown version")
  return r
}
