import { type FileHandle, open } from "node:fs/promises"
import { readable } from "./file-versions.ts"

/**
 * Longest line that is looked at, bytes. The longest that can be written is a queue with 255 keys and link data of a whole
 * block, some 50 KB; what is longer is no line of these files and is not kept in memory.
 */
export const MAX_LINE: number = 2 ** 18

/** Bytes that are read at once. */
const CHUNK = 2 ** 20

const LINE_FEED = 0x0a

/** Where a line is in its file. */
export interface LinePlace {
  /** Offset of its first byte. */
  readonly position: number
  /** Bytes, without the line feed. */
  readonly length: number
  /** Counted from 1. */
  readonly number: number
}

export interface Line extends LinePlace {
  /** One character a byte, without the line feed; absent for a line longer than {@link MAX_LINE}. */
  readonly text?: string
  /** Whether a line feed follows: a last line without it was cut off. */
  readonly ended: boolean
}

/**
 * All lines of a file, in groups as they are read; a group can be empty. Memory does not grow with the file. Throws
 * `OperatorError` when the file cannot be opened.
 */
export async function* readLines(path: string): AsyncGenerator<readonly Line[]> {
  await using file = await readable(path, open(path, "r"))
  const splitter = new LineSplitter()
  for await (const chunk of chunksOf(file)) yield splitter.push(chunk)
  yield splitter.end()
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Cuts a stream of bytes at its line feeds. */
export class LineSplitter {
  /** What came of the unfinished line; its rest is dropped when it is too long. */
  #begun: Buffer[] = []
  #begunLength = 0
  #position = 0
  #number = 1

  /** The lines that these bytes end. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(this.#finish(chunk.subarray(start, end), true))
      start = end + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
    return lines
  }

  /** The last line, if it has no line feed. */
  end(): Line[] {
    return this.#begunLength === 0 ? [] : [this.#finish(Buffer.alloc(0), false)]
  }

  #keep(part: Buffer): void {
    this.#begunLength += part.length
    if (this.#begunLength <= MAX_LINE) this.#begun.push(part)
    else this.#begun = []
  }

  #finish(part: Buffer, ended: boolean): Line {
    const length = this.#begunLength + part.length
    const place: LinePlace = { position: this.#position, length, number: this.#number }
    const whole = this.#begunLength === 0 ? part : Buffer.concat([...this.#begun, part])
    this.#begun = []
    this.#begunLength = 0
    this.#position += length + 1
    this.#number++
    return length > MAX_LINE ? { ...place, ended } : { ...place, ended, text: whole.toString("latin1") }
  }
}
